//! Limits on time: of a future, of a function, and of whatever is inside of it.
//!
//! ```sh
//! cargo run --example timeout
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::io;
use std::time::Duration;

use aiomisc::time::{self, Elapsed};
use aiomisc::{BoxError, timeout};

/// As a text: `ms`, `s` or `m`.
#[timeout("50ms")]
async fn slow() -> Result<(), BoxError> {
    time::sleep(Duration::from_secs(2)).await;
    Ok(())
}

/// As a number of seconds.
#[timeout(0.05)]
async fn read(takes: Duration) -> io::Result<String> {
    time::sleep(takes).await;
    Ok("forty bytes".to_owned())
}

/// As whoever calls it says.
#[timeout(patience)]
async fn patient(patience: Duration) -> Result<&'static str, Elapsed> {
    time::sleep(Duration::from_millis(500)).await;
    Ok("done")
}

#[aiomisc::main(log_level = "warning")]
async fn main() -> Result<(), BoxError> {
    if let Err(error) = slow().await {
        println!("slow: {error}");
    }

    println!("read: {}", read(Duration::from_millis(1)).await?);
    if let Err(error) = read(Duration::from_secs(2)).await {
        println!("read: {:?}", error.kind());
    }

    for millis in [5, 5000] {
        let result = patient(Duration::from_millis(millis)).await;
        println!("patient for {millis} ms: {result:?}");
    }

    // A future that has no function, and one that is ready at once: it makes it in no time.
    let future = time::timeout(Duration::from_millis(5), std::future::pending::<()>());
    println!("pending: {:?}", future.await);
    let ready = time::timeout(Duration::ZERO, async { 7 });
    println!("ready: {:?}", ready.await);
    Ok(())
}
