//! The examples of timers and of helpers (rows B7, B8, B21, C8 to C10 and C12 to C15 of the parity table).

use super::*;

#[test]
fn multiple_services_run_side_by_side() {
    for runtime in runtimes() {
        let example = Example::start("multiple_services", &["--runtime", runtime]);
        let tcp = example.line("listening tcp://");
        let udp = example.line("listening udp://");
        let mut stream = TcpStream::connect(tcp).unwrap();
        stream.write_all(b"echo\n").unwrap();
        let mut line = [0; 5];
        stream.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"echo\n");
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(b"a datagram\n", udp).unwrap();
        let from = socket.local_addr().unwrap();
        assert_eq!(example.line(&from.to_string()), " -> a datagram");
        for _ in 0..2 {
            assert_eq!(example.line("hello from service "), "#1");
        }
        drop(stream);
        example.signal(Signal::SIGINT);
        let (status, lines) = example.wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        assert!(
            lines.contains(&"stopped: signal SIGINT".to_owned()),
            "{lines:#?}"
        );
    }
}

#[cfg(feature = "cron")]
#[test]
fn periodic_and_cron_shows_every_kind_of_timer() {
    for runtime in runtimes() {
        let args = ["--runtime", runtime];
        let (status, lines) = Example::start("periodic_and_cron", &args).wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        for line in [
            "cleaner: stopped",
            "cleaner: 1 failed as was foreseen",
            "sampler: stopped",
            "service: a second has passed",
            "the heartbeat has ended: Ended(Stopped)",
        ] {
            assert!(
                lines.iter().any(|other| other == line),
                "{line}: {lines:#?}"
            );
        }
        // More on a machine that is busy.
        let missed = lines
            .iter()
            .find_map(|line| line.strip_prefix("sampler: ")?.strip_suffix(" missed"));
        assert!(
            missed.is_some_and(|count| count.parse::<u32>().unwrap() >= 2),
            "{lines:#?}"
        );
        let count = |what: &str| lines.iter().filter(|line| *line == what).count();
        // The one that went on was waited for.
        let begun = count("service: heartbeat begins");
        assert!(begun > 3);
        assert_eq!(begun, count("service: heartbeat ends"));
    }
}

#[cfg(feature = "cron")]
#[test]
fn periodic_and_cron_tells_the_next_times() {
    let args = ["--next", "@daily", "--zone", "Asia/Kathmandu"];
    let (status, lines) = Example::start("periodic_and_cron", &args).wait();
    assert_eq!((status.code(), lines.len()), (Some(0), 5), "{lines:#?}");
    let (status, lines) = Example::start("periodic_and_cron", &["--next", "0 25 * * *"]).wait();
    assert_eq!(status.code(), Some(1));
    assert!(lines.iter().any(|line| line.contains("hour")), "{lines:#?}");
}

#[test]
fn utilities_shows_each_helper() {
    for runtime in runtimes() {
        let (status, lines) = Example::start("utilities", &["--runtime", runtime]).wait();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        let (uuid, lines) = lines.split_last().unwrap();
        assert_eq!(uuid.len(), "fast_uuid4: ".len() + 36);
        let expected = [
            "select: [None, Some(\"quick\")]",
            "select in time: false",
            "cancel_tasks: 3 have gone",
            "awaitable: 4",
            "bind_socket: true",
            "strategy: call 1",
            "strategy: call 2",
            "strategy: call 3",
            "strategy: finished",
            "shield: true, and Ok(\"saved\")",
            "chunk_list: [[1, 2], [3, 4], [5]]",
        ];
        assert_eq!(lines, expected);
    }
}
