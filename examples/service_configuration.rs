//! What services are configured with: fields, defaults, builders, traits, and checks.
//!
//! ```sh
//! cargo run --example service_configuration -- --name Guido --title mr.
//! cargo run --example service_configuration -- --name "" --title ""
//! ```
//!
//! It ends by itself; the second one because of its mistakes. `--runtime` takes `smol` or `tokio`.
//! What does not compile, such as a builder without its required values, is in `tests/ui/service_*.rs`.
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::time::Duration;

use aiomisc::{BoxError, Service, ServiceContext, async_trait, time};

#[path = "common/cli.rs"]
mod cli;

/// A plain struct: its fields are the configuration, and `Default` has the defaults.
struct Hello {
    name: String,
}

impl Default for Hello {
    fn default() -> Self {
        Self {
            name: "world".to_owned(),
        }
    }
}

#[async_trait]
impl Service for Hello {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        println!("Hello {}", self.name);
        Ok(())
    }
}

/// A builder, for more than a few values. Without a name or a title, `build` does not compile.
#[derive(bon::Builder)]
struct FormalHello {
    #[builder(into)]
    name: String,
    #[builder(into)]
    title: String,
    #[builder(default = Duration::from_millis(10))]
    pause: Duration,
    #[builder(into)]
    from: Option<String>,
}

#[async_trait]
impl Service for FormalHello {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        time::sleep(self.pause).await;
        let from = self.from.as_deref().unwrap_or("nobody");
        println!("Hello {} {}, says {from}", self.title, self.name);
        Ok(())
    }

    /// What types cannot say. Of all services before any of them starts, so that all mistakes are
    /// told at once.
    fn check(&self) -> Result<(), BoxError> {
        match (self.name.as_str(), self.title.as_str()) {
            ("", "") => Err("name and title must not be empty".into()),
            ("", _) => Err("name must not be empty".into()),
            (_, "") => Err("title must not be empty".into()),
            _ => Ok(()),
        }
    }
}

/// What differs between services of a family. One of them that is not `async` does not compile.
#[async_trait]
trait Greeting: Send + Sync + 'static {
    async fn greeting(&self) -> String;
}

/// What they have in common.
struct Greeter<G>(G);

#[async_trait]
impl<G: Greeting> Service for Greeter<G> {
    async fn start(&self, _: ServiceContext) -> Result<(), BoxError> {
        println!("{}", self.0.greeting().await);
        Ok(())
    }
}

struct InWords {
    title: &'static str,
    name: &'static str,
}

#[async_trait]
impl Greeting for InWords {
    async fn greeting(&self) -> String {
        time::sleep(Duration::from_millis(10)).await;
        format!("Hello {} {}", self.title, self.name)
    }
}

struct InEmoji;

#[async_trait]
impl Greeting for InEmoji {
    async fn greeting(&self) -> String {
        "👋 🎩 🐍".to_owned()
    }
}

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--name", "--title", "--runtime"])?;
    let (name, title) = (args.get("--name", "Guido"), args.get("--title", "mr."));

    let formal = FormalHello::builder()
        .title(title)
        .name(name.clone())
        .from("the builder")
        .build();
    let words = InWords {
        title: "mr.",
        name: "Guido",
    };
    let outcome = args
        .entrypoint()?
        .service(Hello::default())
        .service(Hello { name })
        .service(formal)
        .service(Greeter(words))
        // Two of a type have names of their own, `Hello` and `Hello#2`; anything can be given one.
        .service(Greeter(InEmoji).named("emoji"))
        .run(async { println!("all have said hello") })?;
    if let Some(reason) = outcome.stop_reason() {
        println!("stopped: {reason}");
    }
    Ok(())
}
