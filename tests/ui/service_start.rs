//! A service has a `start`, and may be used by several threads.
use aiomisc::{BoxError, Service, ServiceContext, async_trait};
use std::rc::Rc;

struct NoStart;

#[async_trait]
impl Service for NoStart {}

struct OfOneThread {
    _name: Rc<str>,
}

#[async_trait]
impl Service for OfOneThread {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        Ok(())
    }
}

fn main() {}
