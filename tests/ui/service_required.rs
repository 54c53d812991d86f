//! What is required cannot be left out (there: an error when the program was run).
use aiomisc::{BoxError, Service, ServiceContext, async_trait};

struct Hello {
    name: String,
    title: String,
}

#[async_trait]
impl Service for Hello {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        println!("Hello {} {}", self.title, self.name);
        Ok(())
    }
}

#[derive(bon::Builder)]
struct Built {
    #[builder(into)]
    name: String,
    #[builder(into)]
    title: String,
}

#[async_trait]
impl Service for Built {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        println!("Hello {} {}", self.title, self.name);
        Ok(())
    }
}

fn main() {
    let _ = aiomisc::services![
        Hello {
            name: "Guido".to_owned(),
        },
        Built::builder().name("Guido").build(),
    ];
}
