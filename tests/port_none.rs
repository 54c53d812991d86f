//! No runtime at hand: what is said then. Only a build without the smol adapter can be in want of one.
#![cfg(all(unix, not(feature = "smol")))]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "no runtime is there to block on, and a test that cannot go on fails at that place"
)]

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use aiomisc::net::{bind_socket, connect};
use aiomisc::runtime::Runtime;
use aiomisc::time;
use futures::executor::block_on;

#[test]
fn the_error_says_what_to_do() {
    let text = Runtime::current().unwrap_err().to_string();
    assert!(text.starts_with("no runtime at hand: "), "{text}");
    for cure in [
        "`install_default`",
        "feature `smol`",
        "Tokio::multi_thread",
        "#[aiomisc::main(",
    ] {
        let cure = cure.trim_matches('`');
        assert!(text.contains(cure), "{text}");
    }
}

#[test]
fn sockets_are_errors() {
    let errors = [
        block_on(bind_socket("127.0.0.1:0").listen())
            .map(drop)
            .unwrap_err(),
        block_on(bind_socket("127.0.0.1:0").datagram())
            .map(drop)
            .unwrap_err(),
        block_on(connect("127.0.0.1:80")).map(drop).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::NotConnected);
        let cause = error.source().unwrap().to_string();
        assert!(cause.starts_with("no runtime at hand: "), "{cause}");
    }
}

#[test]
fn tasks_and_waits_panic_with_that_text() {
    let uses: [fn(); 4] = [
        || aiomisc::spawn(async {}).detach(),
        || block_on(time::sleep(Duration::from_secs(1))),
        || {
            let _ = block_on(time::timeout(
                Duration::from_secs(1),
                std::future::pending::<()>(),
            ));
        },
        || {
            block_on(time::interval(Duration::from_secs(1)).tick());
        },
    ];
    for wants in uses {
        let panic = std::panic::catch_unwind(wants).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.starts_with("no runtime at hand: "), "{text}");
    }
}

/// Values are set and carried by threads of the system.
#[test]
fn context_variables_need_no_runtime() {
    aiomisc::context_var! { static NUMBER: u32; }
    let bound = NUMBER.sync_scope(1, || {
        NUMBER.set(2).unwrap();
        aiomisc::context_var::bind(|| NUMBER.get())
    });
    assert_eq!(std::thread::spawn(bound).join().unwrap(), Some(2));
    assert_eq!(block_on(NUMBER.scope(3, async { NUMBER.get() })), Some(3));
    assert_eq!(NUMBER.get(), None);
}

/// Making them needs none.
#[test]
fn what_is_not_polled_needs_no_runtime() {
    drop(time::sleep(Duration::from_secs(1)));
    drop(time::interval(Duration::from_secs(1)));
    drop(connect("127.0.0.1:80"));
    block_on(time::sleep(Duration::ZERO));
    assert!(block_on(time::timeout(Duration::ZERO, async {})).is_ok());
}
