//! For job 16: the executor and the reactor of smol, as `smol::block_on` starts them.
fn main() {
    let executor = async_executor::Executor::new();
    async_io::block_on(executor.run(executor.spawn(async {})));
}
