use std::num::ParseIntError;

use aiomisc::BoxError;

#[aiomisc::cutout]
fn without_options() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::cutout(7, "0s")]
fn no_ratio() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::cutout(-0.2, true)]
async fn negative() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::cutout(error_ratio = "0.2", response_time = "1s", minimum_calls = 0, name = 7, retries = 3)]
async fn other_options() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::cutout(0.2, "1s", minimum_calls = 0, name = 7, slow_call = "1h")]
async fn wrong_options() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::cutout(0.2, "1s")]
fn returns_nothing() {}

#[aiomisc::cutout(0.2, "1s")]
fn returns_no_result() -> u8 {
    7
}

#[aiomisc::cutout(0.2, "1s")]
async fn with_another_error() -> Result<(), ParseIntError> {
    Ok(())
}

#[aiomisc::cutout(0.2, "1s", failure_if = |error: &ParseIntError| error.to_string().is_empty())]
async fn with_another_rule() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::cutout(0.2, "1s")]
const fn constant() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::cutout(0.2, "1s")]
struct NoFunction;

fn main() {}
