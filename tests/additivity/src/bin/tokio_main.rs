//! A tokio program whose `main` the library makes.

use std::process::ExitCode;

use aiomisc::services;

#[aiomisc::main(
    runtime = "tokio",
    services = services![additivity::server()],
    log_level = "error"
)]
async fn main() -> ExitCode {
    additivity::observe("main").await;
    additivity::tasks().await;
    additivity::ask().await;
    match std::env::args().nth(1).as_deref() {
        Some("terminate") => {
            additivity::terminate().await;
            unreachable!("the signal drops this function")
        }
        Some("panic") => panic!("as asked"),
        _ => ExitCode::from(7),
    }
}
