/// Repeats a call of the system until it does not ask to wait; `$ready` waits.
macro_rules! wait_for {
    ($ready:expr, $call:expr) => {
        loop {
            match $call {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    std::task::ready!($ready)?
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                outcome => break std::task::Poll::Ready(outcome),
            }
        }
    };
}

pub(super) use wait_for;
