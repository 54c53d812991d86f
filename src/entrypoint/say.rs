use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Says something, and waits no longer than this until it is said: a log whose reader has stopped
/// reading would hold up what has to happen anyway. Without a thread nothing is said.
pub(super) fn say_within(limit: Duration, say: impl FnOnce() + Send + 'static) {
    let (send, said) = mpsc::sync_channel(1);
    let speak = move || {
        say();
        // Too late, if nobody waits any more.
        let _ = send.send(());
    };
    let speaker = thread::Builder::new().name("aiomisc-says".to_owned());
    if speaker.spawn(speak).is_ok() {
        // Also over when it has panicked.
        let _ = said.recv_timeout(limit);
    }
}
