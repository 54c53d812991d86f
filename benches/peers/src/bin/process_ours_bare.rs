//! For job 16: our runtime without an entrypoint.
fn main() {
    aiomisc::adapters::Smol::new().block_on(async {});
}
