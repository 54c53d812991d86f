//! What a library gives to the programs that name it, and to no others: a plugin and a dependency.

use std::sync::Arc;

aiomisc::plugin! {
    name: "extension",
    doc: "Comes with a library.",
    setup: || (),
}

/// A value that the library provides.
#[derive(Debug)]
#[non_exhaustive]
pub struct Greeting(pub String);

#[aiomisc::dependency]
async fn name() -> String {
    "library".to_owned()
}

#[aiomisc::dependency]
async fn greeting(name: Arc<String>) -> Greeting {
    Greeting(format!("hello from the {name}"))
}
