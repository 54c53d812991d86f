//! `bind_socket` and `connect`: what they make, and what they say when they cannot.
#![cfg(all(unix, feature = "testing", any(feature = "smol", feature = "tokio")))]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails at that place, and says on which runtime"
)]

mod common;

use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use aiomisc::net::{Address, SocketError, SocketOption, bind_socket, connect};

use self::common::{on_each, socket_path};

/// The kind of the error, with all that it says, cause included.
fn told(error: &SocketError) -> (ErrorKind, String) {
    let cause = error.source().unwrap();
    (error.kind(), format!("{error}: {cause}"))
}

async fn listen_error(address: impl Into<Address>) -> (ErrorKind, String) {
    told(&bind_socket(address).listen().await.map(drop).unwrap_err())
}

#[test]
fn a_port_in_use_is_an_error_that_names_it() {
    on_each(|runtime| {
        runtime.block_on(async {
            let first = bind_socket("127.0.0.1:0").listen().await.unwrap();
            let addr = first.local_addr().unwrap().to_string();
            let (kind, text) = listen_error(addr.as_str()).await;
            assert_eq!(kind, ErrorKind::AddrInUse);
            assert!(
                text.starts_with(&format!("cannot listen on tcp://{addr}: ")),
                "{text}"
            );
            drop(first);
            bind_socket(addr.as_str()).listen().await.unwrap();

            let first = bind_socket("127.0.0.1:0").datagram().await.unwrap();
            let addr = first.local_addr().unwrap().to_string();
            let error = bind_socket(addr.as_str()).datagram().await.unwrap_err();
            let (kind, text) = told(&error);
            assert_eq!(kind, ErrorKind::AddrInUse);
            assert!(
                text.starts_with(&format!("cannot bind udp://{addr}: ")),
                "{text}"
            );
        });
    });
}

#[test]
fn a_port_is_shared_on_request_only() {
    on_each(|runtime| {
        runtime.block_on(async {
            let shared = |address: &str| bind_socket(address).reuse_port(true);
            let first = shared("127.0.0.1:0").listen().await.unwrap();
            let addr = first.local_addr().unwrap().to_string();
            let second = shared(&addr).listen().await.unwrap();
            assert_eq!(second.local_addr().unwrap(), first.local_addr().unwrap());
            assert_eq!(listen_error(addr.as_str()).await.0, ErrorKind::AddrInUse);

            let first = shared("127.0.0.1:0").datagram().await.unwrap();
            let addr = first.local_addr().unwrap().to_string();
            shared(&addr).datagram().await.unwrap();
            bind_socket(addr).datagram().await.unwrap_err();
        });
    });
}

#[test]
fn an_unknown_host_is_an_error() {
    on_each(|runtime| {
        runtime.block_on(async {
            let (_, text) = listen_error("nosuchhost.invalid:80").await;
            assert!(
                text.starts_with("cannot listen on tcp://nosuchhost.invalid:80: "),
                "{text}"
            );
            assert!(text.contains("failed to lookup address"), "{text}");
            let error = connect("nosuchhost.invalid:80").await.unwrap_err();
            let (_, text) = told(&error);
            assert!(
                text.starts_with("cannot connect to tcp://nosuchhost.invalid:80: "),
                "{text}"
            );
        });
    });
}

#[test]
fn an_address_that_is_not_local_is_an_error() {
    on_each(|runtime| {
        runtime.block_on(async {
            // Of the block for documentation: nobody has it.
            let (kind, text) = listen_error("192.0.2.1:0").await;
            assert_eq!(kind, ErrorKind::AddrNotAvailable, "{text}");
        });
    });
}

/// A place where not even root can make a file.
#[test]
fn a_place_without_permission_is_an_error() {
    on_each(|runtime| {
        runtime.block_on(async {
            let (kind, text) = listen_error("unix:/proc/aiomisc.sock").await;
            let refused = [ErrorKind::PermissionDenied, ErrorKind::NotFound];
            assert!(refused.contains(&kind), "{kind:?}: {text}");
            assert!(
                text.starts_with("cannot listen on unix:///proc/aiomisc.sock: "),
                "{text}"
            );
        });
    });
}

#[test]
fn a_port_without_permission_is_an_error() {
    on_each(|runtime| {
        if nix::unistd::geteuid().is_root() {
            println!("not looked at: root may bind every port");
            return;
        }
        let allowed = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
        if allowed.is_ok_and(|text| text.trim().parse::<u16>().is_ok_and(|port| port <= 1)) {
            println!("not looked at: here everybody may bind every port");
            return;
        }
        runtime.block_on(async {
            let (kind, text) = listen_error("127.0.0.1:1").await;
            assert_eq!(kind, ErrorKind::PermissionDenied, "{text}");
        });
    });
}

/// A path for one test; whatever stands there is removed in the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        Self(socket_path())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_file_that_exists_is_an_error_and_stays() {
    on_each(|runtime| {
        let place = Place::new();
        let path = place.0.as_path();
        fs::write(path, "precious").unwrap();
        runtime.block_on(async {
            for replace in [false, true] {
                let socket = bind_socket(path).replace_stale(replace);
                let errors = [
                    socket.listen().await.map(drop).unwrap_err(),
                    socket.datagram().await.map(drop).unwrap_err(),
                ];
                for error in errors {
                    let (kind, text) = told(&error);
                    assert_eq!(kind, ErrorKind::AddrInUse, "{text}");
                    let exists = format!("the file {} exists", path.display());
                    assert!(text.contains(&exists), "{text}");
                }
                // `replace_stale` took it for a socket on which nobody listens.
                assert_eq!(fs::read_to_string(path).unwrap(), "precious");
            }
        });
    });
}

#[test]
fn a_stale_socket_is_replaced_on_request_only() {
    on_each(|runtime| {
        let place = Place::new();
        let path = place.0.as_path();
        drop(UnixListener::bind(path).unwrap());
        runtime.block_on(async {
            let (kind, text) = listen_error(path).await;
            assert_eq!(kind, ErrorKind::AddrInUse);
            assert!(text.contains("replace_stale"), "{text}");
            let socket = bind_socket(path).replace_stale(true);
            let mut listener = socket.listen().await.unwrap();
            connect(path).await.unwrap();
            listener.accept().await.unwrap();
            // Now somebody listens.
            let (kind, _) = told(&socket.listen().await.map(drop).unwrap_err());
            assert_eq!(kind, ErrorKind::AddrInUse);
            connect(path).await.unwrap();
            drop(listener);
            assert!(!path.exists());
        });
    });
}

#[test]
fn a_link_is_not_replaced() {
    on_each(|runtime| {
        let (place, target) = (Place::new(), Place::new());
        drop(UnixListener::bind(&target.0).unwrap());
        std::os::unix::fs::symlink(&target.0, &place.0).unwrap();
        runtime.block_on(async {
            let socket = bind_socket(place.0.as_path()).replace_stale(true);
            socket.listen().await.map(drop).unwrap_err();
        });
        assert!(place.0.is_symlink() && target.0.exists());
    });
}

#[test]
fn a_dropped_socket_removes_its_own_file_and_no_other() {
    on_each(|runtime| {
        let place = Place::new();
        let path = place.0.as_path();
        runtime.block_on(async {
            let listener = bind_socket(path).listen().await.unwrap();
            fs::remove_file(path).unwrap();
            fs::write(path, "of somebody else").unwrap();
            drop(listener);
            assert_eq!(fs::read_to_string(path).unwrap(), "of somebody else");
            fs::remove_file(path).unwrap();

            let socket = bind_socket(path).datagram().await.unwrap();
            drop(socket);
            assert!(!path.exists());

            let listener = bind_socket(path).listen().await.unwrap();
            let taken = listener.into_std().unwrap();
            assert!(path.exists(), "whoever took it away keeps the file");
            drop(taken);
        });
    });
}

#[test]
fn a_file_has_the_mode_that_was_asked_for() {
    on_each(|runtime| {
        let place = Place::new();
        runtime.block_on(async {
            for mode in [0o600, 0o660] {
                let socket = bind_socket(place.0.as_path()).mode(mode);
                let listener = socket.listen().await.unwrap();
                let found = fs::metadata(&place.0).unwrap().permissions().mode();
                assert_eq!(found & 0o777, mode);
                drop(listener);
            }
        });
    });
}

#[test]
fn a_path_that_is_too_long_is_an_error() {
    on_each(|runtime| {
        let path = Path::new("/tmp").join("x".repeat(200));
        runtime.block_on(async {
            let (kind, text) = listen_error(path.as_path()).await;
            assert_eq!(kind, ErrorKind::InvalidInput, "{text}");
            let error = connect(path.as_path()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        });
    });
}

#[test]
fn absurd_options_are_errors() {
    on_each(|runtime| {
        runtime.block_on(async {
            let error = bind_socket("127.0.0.1:0")
                .backlog(0)
                .listen()
                .await
                .unwrap_err();
            let (kind, text) = told(&error);
            assert_eq!(kind, ErrorKind::InvalidInput);
            assert!(text.contains("the backlog must be at least 1"), "{text}");
            // The largest is brought down to what the system has.
            bind_socket("127.0.0.1:0")
                .backlog(u32::MAX)
                .listen()
                .await
                .unwrap();
            for nonsense in ["", "localhost:http", "1:2:3:80", "unix:", ":80"] {
                let (kind, text) = listen_error(nonsense).await;
                assert_eq!(kind, ErrorKind::InvalidInput, "{text}");
                let error = connect(nonsense).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
            }
        });
    });
}

#[test]
fn options_reach_the_socket() {
    on_each(|runtime| {
        runtime.block_on(async {
            let seen = std::sync::Arc::new(std::sync::Mutex::new(0));
            let there = std::sync::Arc::clone(&seen);
            let socket = bind_socket("127.0.0.1:0")
                .option(SocketOption::ReceiveBuffer(10_000))
                .option(SocketOption::KeepAlive(true))
                .configure(move |fd| {
                    use nix::sys::socket::{getsockopt, sockopt};
                    assert!(getsockopt(&fd, sockopt::KeepAlive)?);
                    *there.lock().unwrap() = getsockopt(&fd, sockopt::RcvBuf)?;
                    Ok(())
                });
            socket.listen().await.unwrap();
            assert!(*seen.lock().unwrap() >= 10_000);
            let failing =
                bind_socket("127.0.0.1:0").configure(|_| Err(std::io::Error::other("not today")));
            let (_, text) = told(&failing.listen().await.unwrap_err());
            assert_eq!(text, "cannot listen on tcp://127.0.0.1:0: not today");
        });
    });
}

#[test]
fn an_ipv6_socket_takes_ipv4_only_where_it_should() {
    on_each(|runtime| {
        if std::net::TcpListener::bind("[::1]:0").is_err() {
            // A machine without IPv6 has nothing to show here.
            return;
        }
        runtime.block_on(async {
            for (dual, reaches) in [(None, true), (Some(false), false), (Some(true), true)] {
                let mut socket = bind_socket("::");
                if let Some(dual) = dual {
                    socket = socket.dual_stack(dual);
                }
                let listener = socket.listen().await.unwrap();
                let port = listener.local_addr().unwrap().port().unwrap();
                let reached = connect(("127.0.0.1", port)).await.is_ok();
                assert_eq!(reached, reaches, "{dual:?}");
                connect(("::1", port)).await.unwrap();
            }
        });
    });
}

#[test]
fn nobody_listening_is_an_error_that_names_the_address() {
    on_each(|runtime| {
        let reserved = aiomisc::testing::reserved_port().unwrap();
        runtime.block_on(async {
            let addr = reserved.addr();
            let (kind, text) = told(&connect(addr).await.unwrap_err());
            assert_eq!(kind, ErrorKind::ConnectionRefused);
            assert!(
                text.starts_with(&format!("cannot connect to tcp://{addr}: ")),
                "{text}"
            );
            let path = socket_path();
            let (kind, text) = told(&connect(path.as_path()).await.unwrap_err());
            assert_eq!(kind, ErrorKind::NotFound);
            let start = format!("cannot connect to unix://{}: ", path.display());
            assert!(text.starts_with(&start), "{text}");
        });
    });
}

#[test]
fn a_name_is_looked_up() {
    on_each(|runtime| {
        runtime.block_on(async {
            let mut listener = bind_socket("localhost").listen().await.unwrap();
            let port = listener.local_addr().unwrap().port().unwrap();
            let near = connect(("localhost", port)).await.unwrap();
            let (_, peer) = listener.accept().await.unwrap();
            assert_eq!(near.local_addr().unwrap(), peer);
        });
    });
}
