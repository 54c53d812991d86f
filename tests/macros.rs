//! `#[aiomisc::main]` and `#[aiomisc::test]`.
#![cfg(all(
    feature = "macros",
    feature = "testing",
    any(feature = "smol", feature = "tokio")
))]

mod on_all {
    #[aiomisc::test(runtimes(all), timeout = "10s")]
    async fn sleeps() -> Result<(), std::io::Error> {
        aiomisc::time::sleep(std::time::Duration::from_millis(1)).await;
        Ok(())
    }

    #[cfg(feature = "smol")]
    #[aiomisc::test]
    async fn on_default() {}
}
