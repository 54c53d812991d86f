use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Says something, and waits no longer than this until it is said: a log whose reader has stopped
/// reading would hold up what has to happen anyway. Whether it was said in time; without a thread
/// nothing is.
pub(super) fn say_within(limit: Duration, say: impl FnOnce() + Send + 'static) -> bool {
    let (send, said) = mpsc::sync_channel(1);
    let speak = move || {
        say();
        // Too late, if nobody waits any more.
        let _ = send.send(());
    };
    let speaker = thread::Builder::new().name("aiomisc-says".to_owned());
    // Also over when it has panicked.
    speaker.spawn(speak).is_ok() && said.recv_timeout(limit).is_ok()
}
