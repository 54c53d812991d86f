//! What a program finds that names no runtime and installs none. Here alone may an adapter more
//! make a difference, and only by making work what failed without it.

use aiomisc::runtime::Runtime;
use aiomisc::{Outcome, services};

/// A builder that the environment of the tests says nothing to.
fn run() -> Result<Outcome<String>, aiomisc::RunError> {
    aiomisc::Entrypoint::builder()
        .environment(|_| None)
        .log_config(false)
        .services(services![])
        .run(async { additivity::found() })
}

/// The program's own adapter is smol's, or somebody else's brings it in.
#[cfg(any(feature = "smol-app", feature = "smol-elsewhere"))]
#[test]
fn smol_is_there_by_itself() {
    let found = run().expect("nothing fails").finished();
    assert_eq!(found.as_deref(), Some("smol"));
    let runtime = Runtime::current().expect("smol needs no set-up");
    assert_eq!(runtime.name(), "smol");
}

#[cfg(not(any(feature = "smol-app", feature = "smol-elsewhere")))]
#[test]
fn without_smol_the_error_says_what_to_do() {
    let Err(error) = run() else {
        panic!("there is no runtime to run on");
    };
    let text = error.to_string();
    for part in [
        "no runtime at hand",
        "Runtime::install_default",
        ".runtime(Tokio::multi_thread(2)?)",
        "#[aiomisc::main(runtime = \"tokio\")]",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(error.exit_code(), 1);
    Runtime::current().expect_err("there is none to be found");
}

/// Nobody gets a runtime that was not asked for, only because it is compiled in.
#[cfg(all(feature = "smol-app", feature = "tokio-elsewhere"))]
#[test]
fn tokio_is_there_for_those_who_name_it() {
    let builder = aiomisc::Entrypoint::builder()
        .environment(|name| (name == "AIOMISC_RUNTIME").then(|| "tokio".to_owned()));
    let found = builder.log_config(false).run(async { additivity::found() });
    let found = found.expect("nothing fails").finished();
    assert_eq!(found.as_deref(), Some("tokio"));
}
