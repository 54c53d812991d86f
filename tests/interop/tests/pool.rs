//! A pool of connections to a real Redis server.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use interop::Running;

/// A server that keeps nothing, stopped with the test.
struct Redis(Child, u16);

impl Redis {
    fn start() -> Self {
        // The port may be taken by somebody else in between; then the server ends, and is started anew.
        for _ in 0..10 {
            let free = TcpListener::bind("127.0.0.1:0").expect("there is a port");
            let port = free.local_addr().expect("it is bound").port();
            drop(free);
            let mut server = Command::new("redis-server")
                .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
                .args(["--save", "", "--appendonly", "no"])
                .stdout(Stdio::null())
                .spawn()
                .unwrap_or_else(|error| panic!("`redis-server` is needed for this test: {error}"));
            for _ in 0..500 {
                if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Self(server, port);
                }
                if server.try_wait().expect("it was started").is_some() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        panic!("the server does not listen");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_example_works_with_a_real_server() {
    let server = Redis::start();
    for runtime in ["smol", "tokio"] {
        let address = format!("127.0.0.1:{}", server.1);
        let args = ["--address", &address, "--runtime", runtime];
        let example = Running::example("pool", &args);
        assert_eq!(example.line("20 right answers over "), "3 connections");
        assert_eq!(example.line("QUIT: "), "OK");
        assert_eq!(example.line("PING: "), "PONG");
        assert_eq!(example.line("replaced after a failed check: "), "1");
        assert_eq!(example.line("closed: "), "the pool is closed");
        assert!(example.wait().success());
    }
}
