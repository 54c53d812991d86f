//! Programs whose `main` is made by the attribute, each run in a process of its own.
#![allow(
    clippy::disallowed_methods,
    clippy::exit,
    clippy::print_stdout,
    reason = "a child of the test reads what its parent wrote, prints, and exits"
)]

use std::process::ExitCode;

use super::{Ended, alone, end, on_purpose};

/// Runs the program that the environment names; the tests below have it run in a process of its own.
#[test]
fn program() {
    if !on_purpose() {
        return;
    }
    // What the harness has begun to say ends here.
    println!();
    let code = match std::env::var("PROGRAM").as_deref() {
        Ok("value") => value::main(),
        Ok("error") => error::main(),
        Ok("panic") => panic::main(),
        Ok("failing_service") => failing_service::main(),
        Ok("failing_service_unlogged") => failing_service_unlogged::main(),
        Ok("misconfigured") => misconfigured::main(),
        Ok("slow_stop") => slow_stop::main(),
        Ok("slow_stop_by_hand") => slow_stop::by_hand(),
        Ok("logs") => logs::main(),
        Ok("options") => options::main(),
        Ok("facade") => facade::main(),
        #[cfg(feature = "smol")]
        Ok("default") => default::main(),
        #[cfg(feature = "smol")]
        Ok("three_threads") => three_threads::main(),
        #[cfg(feature = "smol")]
        Ok("smol_threads") => smol_threads::main(),
        #[cfg(feature = "tokio")]
        Ok("tokio") => tokio_by_name::main(),
        #[cfg(feature = "tokio")]
        Ok("tokio_threads") => tokio_threads::main(),
        other => panic!("no such program: {other:?}"),
    };
    let number = (0..=u8::MAX).find(|number| ExitCode::from(*number) == code);
    std::process::exit(number.map_or(-1, i32::from));
}

const RUNTIMES: &[&str] = &[
    #[cfg(feature = "smol")]
    "smol",
    #[cfg(feature = "tokio")]
    "tokio",
];

/// Runs a program on each runtime, because it asks for none.
fn run(program: &str) -> Vec<Ended> {
    run_by_name(program, &[])
}

fn run_by_name(program: &str, variables: &[(&str, &str)]) -> Vec<Ended> {
    let on = |name: &&str| {
        let mut variables = variables.to_vec();
        variables.push(("AIOMISC_RUNTIME", name));
        run_with(program, &variables)
    };
    RUNTIMES.iter().map(on).collect()
}

fn run_with(program: &str, variables: &[(&str, &str)]) -> Ended {
    let mut command = alone("programs::program");
    command.arg("--nocapture").env("PROGRAM", program);
    command.envs(variables.iter().copied());
    end(command)
}

fn occurrences(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

// ---- what a program ends with ----

mod value {
    /// Attributes of the compiler hold for the whole function.
    #[aiomisc::main(log_level = "error")]
    #[deny(unused_variables)]
    #[expect(non_snake_case, reason = "it has to be carried over")]
    pub(super) async fn main() -> std::process::ExitCode {
        let Status = 7;
        aiomisc::time::sleep(std::time::Duration::from_millis(1)).await;
        std::process::ExitCode::from(Status)
    }

    #[aiomisc::main]
    #[cfg(any())]
    async fn main() {
        this_does_not_exist();
    }
}

#[test]
fn a_value_gives_the_exit_status() {
    for ended in run("value") {
        assert_eq!((ended.status.code(), &*ended.err), (Some(7), ""));
    }
}

mod error {
    #[aiomisc::main(log_level = "error")]
    pub(super) async fn main() -> Result<(), std::num::ParseIntError> {
        let number: u8 = "300".parse()?;
        unreachable!("{number}");
    }
}

#[test]
fn an_error_is_printed_and_gives_one() {
    for ended in run("error") {
        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(
            ended.err.trim(),
            "Error: ParseIntError { kind: PosOverflow }"
        );
    }
}

mod panic {
    #[aiomisc::main(services = super::talkative())]
    pub(super) async fn main() {
        panic!("oh dear");
    }
}

/// A service that says when it is stopped.
fn talkative() -> Vec<std::sync::Arc<dyn aiomisc::Service>> {
    aiomisc::services![aiomisc::service_fn("talkative", |ctx| async move {
        ctx.ready();
        ctx.stopping().await;
        println!("stopped");
        Ok(())
    })]
}

#[test]
fn a_panic_goes_on_after_the_services_were_stopped() {
    for ended in run("panic") {
        assert_eq!(ended.status.code(), Some(101));
        assert_eq!(occurrences(&ended.err, "oh dear"), 1, "{}", ended.err);
        assert_eq!(occurrences(&ended.out, "stopped"), 1, "{}", ended.out);
    }
}

// ---- what a failed run says ----

fn broken() -> Vec<std::sync::Arc<dyn aiomisc::Service>> {
    aiomisc::services![aiomisc::service_fn("broken", |_| async {
        Err("no such luck".into())
    })]
}

mod failing_service {
    #[aiomisc::main(services = super::broken())]
    pub(super) async fn main() {
        unreachable!("the start has failed");
    }
}

#[test]
fn a_failed_run_is_in_the_log_once() {
    for ended in run("failing_service") {
        assert_eq!(ended.status.code(), Some(1));
        let expected = "the program failed error=service `broken` failed to start: no such luck";
        assert_eq!(occurrences(&ended.err, expected), 1, "{}", ended.err);
        assert_eq!(
            occurrences(&ended.err, "the program failed"),
            1,
            "{}",
            ended.err
        );
    }
}

mod failing_service_unlogged {
    #[aiomisc::main(
        services = super::broken(),
        log_format = "disabled",
    )]
    pub(super) async fn main() {}
}

#[test]
fn a_failed_run_without_a_log_is_on_the_standard_error_stream_once() {
    for ended in run("failing_service_unlogged") {
        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(
            ended.err,
            "aiomisc: the program failed: service `broken` failed to start: no such luck\n"
        );
    }
}

mod misconfigured {
    #[aiomisc::main(log_level = "loud", log_format = "odd")]
    pub(super) async fn main() {}
}

#[test]
fn everything_that_is_misconfigured_is_said_at_once() {
    for ended in run_by_name("misconfigured", &[("AIOMISC_SHUTDOWN_TIMEOUT", "soon")]) {
        assert_eq!(ended.status.code(), Some(1));
        for part in [
            "log_level: expected one of critical,",
            "got `loud`",
            "log_format: expected one of ",
            "got `odd`",
            "AIOMISC_SHUTDOWN_TIMEOUT: expected a number of seconds above zero, got `soon`",
        ] {
            assert_eq!(occurrences(&ended.err, part), 1, "{part}: {}", ended.err);
        }
        assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    }
}

mod slow_stop {
    struct Slow;

    #[aiomisc::async_trait]
    impl aiomisc::Service for Slow {
        async fn start(&self, _: aiomisc::ServiceContext) -> Result<(), aiomisc::BoxError> {
            Ok(())
        }

        async fn stop(&self, _: &aiomisc::StopReason) -> Result<(), aiomisc::BoxError> {
            std::future::pending().await
        }
    }

    #[aiomisc::main(
        services = aiomisc::services![Slow],
        shutdown_timeout = "50ms",
    )]
    pub(super) async fn main() {}

    /// What most programs do with the result is not asked: the status is 70 all the same.
    pub(super) fn by_hand() -> std::process::ExitCode {
        let outcome = aiomisc::Entrypoint::builder()
            .service(Slow)
            .shutdown_timeout(std::time::Duration::from_millis(50))
            .run(async {});
        match outcome {
            Ok(_) => std::process::ExitCode::SUCCESS,
            Err(_) => std::process::ExitCode::FAILURE,
        }
    }
}

#[test]
fn a_stop_that_takes_too_long_gives_seventy() {
    let by_hand = run("slow_stop_by_hand");
    for ended in run("slow_stop").into_iter().chain(by_hand) {
        assert_eq!(ended.status.code(), Some(70));
        assert_eq!(
            occurrences(&ended.err, "the program failed"),
            1,
            "{}",
            ended.err
        );
        assert!(
            ended.err.contains("service `Slow` failed to stop"),
            "{}",
            ended.err
        );
    }
}

// ---- the log ----

mod logs {
    #[aiomisc::main(log_level = "debug", log_format = "plain")]
    pub(super) async fn main() {
        tracing::debug!("in detail");
    }
}

#[test]
fn the_log_is_as_asked_for() {
    for ended in run_by_name("logs", &[("AIOMISC_LOG_LEVEL", "error")]) {
        assert_eq!(ended.status.code(), Some(0), "{}", ended.err);
        assert!(ended.err.starts_with("in detail\n"), "{}", ended.err);
    }
}

// ---- which runtime, and how many threads ----

/// Prints the runtime's name, and on how many threads tasks are that may be anywhere.
#[cfg(any(feature = "smol", feature = "tokio"))]
async fn print_runtime() {
    use aiomisc::runtime::{Placement, Runtime};
    let runtime = Runtime::current().expect("this is a task");
    let mut threads = std::collections::HashSet::new();
    for task in 0..6 {
        let task = runtime
            .task(format!("task {task}"))
            .placement(Placement::Spread);
        let thread = async { std::thread::current().id() };
        threads.insert(task.spawn(thread).await.expect("it does not panic"));
    }
    let workers = match runtime.name() {
        #[cfg(feature = "tokio")]
        "tokio" => tokio::runtime::Handle::current().metrics().num_workers(),
        _ => threads.len(),
    };
    println!("runtime {} with {workers} threads", runtime.name());
}

fn runtime_of(program: &str, variables: &[(&str, &str)]) -> String {
    let ended = run_with(program, variables);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.err);
    let line = ended.out.lines().find(|line| line.contains("runtime "));
    line.unwrap_or_else(|| panic!("{}", ended.out)).to_owned()
}

#[cfg(feature = "smol")]
mod default {
    #[aiomisc::main]
    pub(super) async fn main() {
        super::print_runtime().await;
    }
}

#[cfg(feature = "smol")]
mod three_threads {
    #[aiomisc::main(threads = 3)]
    pub(super) async fn main() {
        super::print_runtime().await;
    }
}

#[cfg(feature = "smol")]
mod smol_threads {
    #[aiomisc::main(runtime = "smol", threads = 3)]
    pub(super) async fn main() {
        super::print_runtime().await;
    }
}

#[cfg(feature = "smol")]
#[test]
fn the_default_is_what_run_uses() {
    let by_default = "runtime smol with 1 threads";
    assert_eq!(runtime_of("default", &[]), by_default);
    assert_eq!(
        runtime_of("default", &[("AIOMISC_RUNTIME", "smol")]),
        by_default
    );
    assert_eq!(
        runtime_of("three_threads", &[]),
        "runtime smol with 3 threads"
    );
    let ended = run_with("default", &[("AIOMISC_RUNTIME", "bogus")]);
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(
        occurrences(
            &ended.err,
            "AIOMISC_RUNTIME: `bogus` is no runtime of this build"
        ),
        1,
        "{}",
        ended.err
    );
}

#[cfg(feature = "smol")]
#[test]
fn smol_has_as_many_threads_as_asked_for() {
    assert_eq!(
        runtime_of("smol_threads", &[]),
        "runtime smol with 3 threads"
    );
}

#[cfg(feature = "tokio")]
mod tokio_by_name {
    #[aiomisc::main(runtime = "tokio")]
    pub(super) async fn main() {
        super::print_runtime().await;
    }
}

#[cfg(feature = "tokio")]
mod tokio_threads {
    #[aiomisc::main(threads = 3, runtime = "tokio")]
    pub(super) async fn main() {
        super::print_runtime().await;
    }
}

#[cfg(feature = "tokio")]
#[test]
fn tokio_has_as_many_threads_as_asked_for() {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    assert_eq!(
        runtime_of("tokio", &[]),
        format!("runtime tokio with {processors} threads")
    );
    assert_eq!(
        runtime_of("tokio_threads", &[]),
        "runtime tokio with 3 threads"
    );
}

#[cfg(all(feature = "smol", feature = "tokio"))]
#[test]
fn the_environment_comes_after_the_attribute_and_before_the_default() {
    let tokio = [("AIOMISC_RUNTIME", "tokio")];
    assert_eq!(
        runtime_of("smol_threads", &tokio),
        "runtime smol with 3 threads"
    );
    assert_eq!(
        runtime_of("three_threads", &tokio),
        "runtime tokio with 3 threads"
    );
    let smol = [("AIOMISC_RUNTIME", "smol")];
    assert_eq!(
        runtime_of("tokio_threads", &smol),
        "runtime tokio with 3 threads"
    );
}

// ---- options that are only handed on ----

mod options {
    #[aiomisc::main(pool_size = 7, debug = true)]
    pub(super) async fn main() {
        let ep = aiomisc::Entrypoint::current().expect("inside");
        let (threads, debug) = (ep.settings().pool_size(), ep.settings().debug());
        println!("pool_size={threads} debug={debug}");
    }
}

#[test]
fn options_reach_the_settings() {
    let variables = [("AIOMISC_POOL_SIZE", "5"), ("AIOMISC_DEBUG", "no")];
    for ended in run_by_name("options", &variables) {
        assert_eq!(ended.status.code(), Some(0), "{}", ended.err);
        let said = occurrences(&ended.out, "pool_size=7 debug=true");
        assert_eq!(said, 1, "{}", ended.out);
    }
}

// ---- another name of the library ----

/// Looks like the library under another name, and notices that it is used.
mod other_name {
    pub(super) mod deeper {
        pub(in super::super) mod __private {
            pub(in super::super::super) struct Main;

            impl Main {
                #[expect(clippy::new_ret_no_self, reason = "the real one is used from here on")]
                pub(in super::super::super) fn new() -> aiomisc::__private::Main {
                    println!("by another name");
                    aiomisc::__private::Main::new()
                }
            }
        }
    }
}

mod facade {
    #[aiomisc::main(crate = "super::other_name::deeper")]
    pub(super) async fn main() {}
}

#[test]
fn the_library_may_have_another_name() {
    for ended in run("facade") {
        assert_eq!(ended.status.code(), Some(0), "{}", ended.err);
        assert_eq!(
            occurrences(&ended.out, "by another name"),
            1,
            "{}",
            ended.out
        );
    }
}
