//! For job 16: a tokio program with as many threads as it takes by itself.
fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {});
}
