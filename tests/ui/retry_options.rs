use aiomisc::BoxError;

#[aiomisc::timeout]
async fn no_limit() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::timeout("soon")]
async fn no_length() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::timeout(0)]
async fn zero() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::timeout(-1)]
async fn negative() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::timeout("1s", "2s")]
async fn two_limits() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::timeout("1s", name = "slow")]
async fn unknown() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::asyncretry]
async fn no_tries() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::asyncretry(0)]
async fn zero_tries() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::asyncretry(-1)]
async fn negative_tries() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::asyncretry(3, deadline = "1s")]
async fn deadline_of_a_retry() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::asyncbackoff("1s", "2s", "3s", "4s")]
async fn four_places() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::asyncbackoff("1s", attempt_timeout = "2s", pause = -0.5, attempt = 7)]
async fn twice() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::asyncbackoff(pause = -0.5, attempt = 7, name = 7, max_tries = "many")]
async fn many_mistakes() -> Result<(), BoxError> {
    Ok(())
}

fn main() {}
