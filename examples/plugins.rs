//! Plugins, and the command that lists them.
//!
//! ```sh
//! cargo run --example plugins                    # for people, and the names
//! cargo run --example plugins -- --quiet | grep greeter
//! cargo run --example plugins -- --no-output
//! cargo run --example plugins -- --run           # an entrypoint that they extend
//! AIOMISC_NO_PLUGINS=1 cargo run --example plugins -- --run
//! ```
//!
//! `--help` tells the other options.
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::process::ExitCode;

use aiomisc::signal::{Frozen, Lifecycle, POST_START, POST_STOP};
use aiomisc::{RunError, plugins, service_fn, services};

// As a rule a plugin is a crate of its own, which the program names: `use its_name as _;`.
mod greeter {
    use super::*;

    aiomisc::plugin! {
        name: "greeter",
        doc: "Says hello and good-bye.",
        setup: setup,
    }

    fn setup() -> Result<(), Frozen> {
        POST_START.connect(hello)?;
        POST_STOP.connect(|_| async {
            println!("good-bye");
            Ok(())
        })?;
        Ok(())
    }

    async fn hello(event: Lifecycle) -> Result<(), aiomisc::BoxError> {
        for service in event.services.iter() {
            println!("hello, {}", service.name());
        }
        Ok(())
    }
}

aiomisc::plugin! {
    name: "counter",
    doc: "Counts nothing yet.",
    setup: || println!("the counter is set up"),
}

fn main() -> ExitCode {
    if !std::env::args().any(|arg| arg == "--run") {
        return plugins::cli();
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run() -> Result<(), RunError> {
    let service = service_fn("api", |_| async { Ok(()) });
    aiomisc::run(async {}, services![service])?;
    Ok(())
}
