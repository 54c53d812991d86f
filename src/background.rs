//! Tasks of what several share.

use crate::runtime::{Runtime, Scope, Slots};

/// Spawns a task that belongs to none of those who use it: neither to their entrypoint or service, whose end
/// would be that of others' work, nor to their span.
pub(crate) fn spawn<F>(runtime: &Runtime, name: &'static str, future: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let nobody = tracing::Dispatch::none();
    tracing::dispatcher::with_default(&nobody, || {
        let mut scope = Some(Scope::with_slots(runtime, Slots::default()));
        Scope::enter(&mut scope, || runtime.task(name).spawn(future).detach());
    });
}
