//! The examples of plugins and of dependencies (rows A12 and A14 of the parity table).

use std::process::{Output, Stdio};

use super::*;

/// Runs the command that lists the plugins.
fn list(args: &[&str]) -> Output {
    let mut command = Command::new(path("plugins"));
    command.args(args).env_remove("AIOMISC_NO_PLUGINS");
    command.output().expect("cargo builds it with the tests")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it is text")
}

const FOR_PEOPLE: &str = "2 plugins are available\n\
                          `counter`: Counts nothing yet.\n\
                          `greeter`: Says hello and good-bye.\n";

#[test]
fn plugins_are_listed_for_people_and_for_pipes() {
    for (args, out, err) in [
        (&[][..], "counter\ngreeter\n", FOR_PEOPLE),
        (&["-s"], "counter\ngreeter\n", ""),
        (&["--log-level=warning"], "counter\ngreeter\n", ""),
        (&["-n"], "", FOR_PEOPLE),
        (&["-q", "--no-output", "-l", "info"], "", FOR_PEOPLE),
        (&["-F", "disabled"], "counter\ngreeter\n", ""),
    ] {
        let listed = list(args);
        assert_eq!(text(&listed.stdout), out, "{args:?}");
        assert_eq!(text(&listed.stderr), err, "{args:?}");
        assert_eq!(listed.status.code(), Some(0), "{args:?}");
    }
    let listed = list(&["-n", "-F", "stream"]);
    let first = text(&listed.stderr).lines().next().unwrap_or_default();
    assert!(
        first.starts_with('[') && first.contains(" INFO "),
        "{first}"
    );

    let help = list(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let usage = "usage: plugins [-h] [-q] [-n] [-l LEVEL] [-F FORMAT]\n";
    assert!(text(&help.stdout).starts_with(usage));
    let wrong = list(&["--all"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert_eq!(text(&wrong.stdout), "");
    assert_eq!(
        text(&wrong.stderr),
        format!("{usage}plugins: unknown option --all\n")
    );
}

/// As with `| head -0`.
#[test]
fn plugins_are_listed_into_a_pipe_that_nobody_reads() {
    let (reader, writer) = std::io::pipe().expect("the system has one");
    drop(reader);
    let mut command = Command::new(path("plugins"));
    let child = command.stdout(writer).stderr(Stdio::piped()).spawn();
    drop(command);
    let ended = child.expect("cargo builds it").wait_with_output();
    let ended = ended.expect("it ends");
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(text(&ended.stderr), FOR_PEOPLE);
}

#[test]
fn plugins_extend_every_entrypoint_unless_they_are_off() {
    for runtime in runtimes() {
        let run = |off| {
            let variables = [
                ("AIOMISC_RUNTIME", *runtime),
                ("AIOMISC_LOG_CONFIG", "off"),
                ("AIOMISC_NO_PLUGINS", off),
            ];
            let (status, lines) = Example::start_with("plugins", &["--run"], &variables).wait();
            assert_eq!(status.code(), Some(0), "{lines:#?}");
            lines
        };
        assert_eq!(
            run("no"),
            ["the counter is set up", "hello, api", "good-bye"]
        );
        assert_eq!(run("1"), [""; 0]);
    }
}

#[test]
fn dependencies_come_before_the_services_and_go_after_them() {
    for runtime in runtimes() {
        let run = |args: &[&str]| {
            let args = [&["--runtime", runtime], args].concat();
            let variables = [("AIOMISC_LOG_CONFIG", "off")];
            let (status, lines) = Example::start_with("dependencies", &args, &variables).wait();
            (status.code(), lines)
        };
        let expected = [
            "the pool opens: db.example:5432",
            "the users are in the pool",
            "the api starts, with 15 users",
            "the report starts, with 15 users",
            "the program runs",
            "the report ends, with 15 users",
            "the pool closes, after 3 queries",
        ];
        assert_eq!(run(&[]), (Some(0), expected.map(str::to_owned).to_vec()));
        let expected = [
            "the api starts, with 1 users",
            "the report starts, with 1 users",
            "the program runs",
            "the report ends, with 1 users",
        ];
        let memory = run(&["--memory", "yes"]);
        assert_eq!(memory, (Some(0), expected.map(str::to_owned).to_vec()));
        let chain = "failed to start: it needs `dyn Users`, which needs `Pool`: connection refused";
        let expected = format!("Error: service `Api` {chain}; service `Report` {chain}");
        assert_eq!(run(&["--refuse", "yes"]), (Some(1), vec![expected]));
    }
}
