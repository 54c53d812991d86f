use aiomisc::BoxError;

#[aiomisc::timeout("1s")]
fn not_async() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::timeout("1s")]
async fn returns_nothing() {}

#[aiomisc::timeout("1s")]
async fn returns_no_result() -> u8 {
    7
}

#[aiomisc::timeout("1s")]
async fn with_another_error() -> Result<(), std::num::ParseIntError> {
    Ok(())
}

#[aiomisc::asyncretry(3)]
fn neither() -> Result<(), BoxError> {
    Ok(())
}

#[aiomisc::asyncbackoff(max_tries = 3)]
async fn gives_nothing() {}

#[aiomisc::asyncbackoff(deadline = "1s")]
async fn of_another_error() -> Result<(), std::num::ParseIntError> {
    Ok(())
}

#[aiomisc::asyncretry(3)]
async fn mutable(list: &mut Vec<u8>) -> Result<(), BoxError> {
    list.clear();
    Ok(())
}

#[aiomisc::asyncretry(3)]
async fn not_clone(list: std::fs::File) -> Result<(), BoxError> {
    drop(list);
    Ok(())
}

struct Client;

impl Client {
    #[aiomisc::asyncretry(3)]
    async fn by_value(self) -> Result<(), BoxError> {
        Ok(())
    }

    #[aiomisc::asyncbackoff(1, 1)]
    async fn by_mutable(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
}

#[aiomisc::timeout("1s")]
struct NoFunction;

fn main() {}
