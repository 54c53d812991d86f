//! The first example with clients of others: netcat, Python, and a load generator.

use std::process::Command;
use std::thread;
use std::time::Duration;

use interop::{Running, root, run};
use nix::sys::signal::Signal;

#[test]
fn netcat_talks_to_tcp_udp_and_unix() {
    for runtime in ["smol", "tokio"] {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let socket = socket.to_str().expect("a plain path");
        let inet = Running::example("quickstart", &["--runtime", runtime]);
        let unix = Running::example("quickstart", &["--runtime", runtime, "--tcp", socket]);

        let tcp = inet.line("listening tcp://");
        let (host, port) = tcp.rsplit_once(':').expect("HOST:PORT");
        // -N: end the sending side after the input; the answers must still come.
        let answer = run("nc", &["-N", host, port], b"hello\nworld\n");
        assert_eq!(answer.stdout, b"hello\nworld\n");

        let udp = inet.line("listening udp://");
        let (host, port) = udp.rsplit_once(':').expect("HOST:PORT");
        let answer = run("nc", &["-u", "-W", "1", host, port], b"datagram\n");
        assert_eq!(answer.stdout, b"datagram\n");

        unix.line("listening unix://");
        let answer = run("nc", &["-N", "-U", socket], b"over a file\n");
        assert_eq!(answer.stdout, b"over a file\n");

        for program in [inet, unix] {
            program.signal(Signal::SIGINT);
            assert_eq!(program.wait().code(), Some(0));
        }
        assert!(
            !std::path::Path::new(socket).exists(),
            "the socket file is removed"
        );
    }
}

/// Python's asyncio, two hundred connections at once, each with its own words; the server keeps
/// nothing of them.
#[test]
fn python_s_asyncio_talks_to_tcp() {
    const CLIENT: &str = r#"
import asyncio, sys
async def talk(number, host, port):
    reader, writer = await asyncio.open_connection(host, port)
    for turn in range(20):
        words = f"{number} says {turn}\n".encode() * 100
        writer.write(words)
        assert await reader.readexactly(len(words)) == words
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
async def main(host, port):
    await asyncio.gather(*(talk(n, host, port) for n in range(200)))
    print("all is well")
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"#;
    for runtime in ["smol", "tokio"] {
        let program = Running::example("quickstart", &["--runtime", runtime]);
        let tcp = program.line("listening tcp://");
        program.line("listening udp://");
        let (host, port) = tcp.rsplit_once(':').expect("HOST:PORT");
        let before = program.descriptors();
        let answer = run("python3", &["-c", CLIENT, host, port], b"");
        assert_eq!(answer.stdout, b"all is well\n");
        // One more round trip: the server has seen the ends of the others before it.
        run("python3", &["-c", CLIENT, host, port], b"");
        assert!(
            program.descriptors() <= before,
            "{} > {before}",
            program.descriptors()
        );
        program.signal(Signal::SIGTERM);
        assert_eq!(program.wait().code(), Some(0));
    }
}

/// The shared load generator for ten seconds on 32 connections; the program is told to stop in the
/// middle of a second run.
#[test]
fn a_load_for_ten_seconds_and_a_stop_in_the_middle() {
    let loadgen = |kind: &str, addr: &str, secs: &str| {
        run(
            env!("CARGO"),
            &[
                "run",
                "--quiet",
                "--release",
                "--manifest-path",
                root()
                    .join("benches/loadgen/Cargo.toml")
                    .to_str()
                    .expect("a plain path"),
                "--",
                kind,
                "--addr",
                addr,
                "--secs",
                secs,
            ],
            b"",
        )
    };
    for runtime in ["smol", "tokio"] {
        let program = Running::example("quickstart", &["--runtime", runtime]);
        let tcp = program.line("listening tcp://");
        let udp = program.line("listening udp://");
        for (kind, addr) in [("tcp-echo", &tcp), ("udp-echo", &udp)] {
            let report = loadgen(kind, addr, "10");
            let report = String::from_utf8(report.stdout).expect("text");
            print!("{runtime} {report}");
            assert!(report.contains(".errors 0 count"), "{report}");
        }
        // A third load is cut by the stop: the load generator counts that as errors, the program
        // must not.
        thread::scope(|scope| {
            let before = program.descriptors();
            let cut = scope.spawn(|| loadgen_until_closed(&tcp));
            // Once its 32 connections are open, requests are on their way on all of them.
            while program.descriptors() < before + 32 {
                thread::sleep(Duration::from_millis(5));
            }
            program.signal(Signal::SIGTERM);
            let answered: u64 = program.line("answered ").parse().expect("a number");
            assert!(answered > 10_000, "{answered}");
            assert_eq!(program.wait().code(), Some(0));
            let report = cut.join().expect("it ends by itself");
            assert!(
                report.contains(".errors 32 count"),
                "each connection is closed once: {report}"
            );
        });
    }
}

/// The load generator, which ends when all of its connections are closed.
fn loadgen_until_closed(addr: &str) -> String {
    let manifest = root().join("benches/loadgen/Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--manifest-path"])
        .arg(manifest)
        .args(["--", "tcp-echo", "--addr", addr, "--secs", "30"])
        .output()
        .expect("cargo runs");
    String::from_utf8(output.stdout).expect("text")
}
