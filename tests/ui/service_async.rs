//! What must be asynchronous is so by its trait (there: an error when the class was made).
use aiomisc::{BoxError, Service, ServiceContext, async_trait};

#[async_trait]
trait Greeting: Send + Sync + 'static {
    async fn greeting(&self) -> String;
}

struct BadHello;

#[async_trait]
impl Greeting for BadHello {
    fn greeting(&self) -> String {
        "Hello".to_owned()
    }
}

struct BadStart;

#[async_trait]
impl Service for BadStart {
    fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        Ok(())
    }
}

fn main() {}
