//! `#[aiomisc::main]` and `#[aiomisc::test]`.

mod on_all {
    #[aiomisc::test(runtimes(all), timeout = "10s")]
    async fn sleeps() -> Result<(), std::io::Error> {
        aiomisc::time::sleep(std::time::Duration::from_millis(1)).await;
        Ok(())
    }

    #[aiomisc::test]
    async fn on_default() {}
}
