use std::sync::atomic::{AtomicBool, Ordering};

/// Whether an entrypoint has set up logging: the first one does, and later ones use what is there.
pub(super) static LOGGING: Claimable = Claimable(AtomicBool::new(false));

/// What a process has once, and one entrypoint at a time.
pub(super) struct Claimable(AtomicBool);

impl Claimable {
    /// Takes it, unless another one has it.
    pub(super) fn claim(&'static self) -> Option<Claim> {
        (!self.0.swap(true, Ordering::SeqCst)).then_some(Claim(self))
    }
}

/// Has it until this is dropped.
#[derive(Debug)]
pub(super) struct Claim(&'static Claimable);

impl std::fmt::Debug for Claimable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claimable(..)")
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::SeqCst);
    }
}
