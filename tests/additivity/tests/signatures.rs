//! The same signatures with every set of features, none included: this compiles, or it does not.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aiomisc::context_var::{self, Captured, ContextVar, NoScope};
use aiomisc::entrypoint::{Entrypoint, EntrypointBuilder, OsSignal};
use aiomisc::log::{LogFormat, LogLevel};
use aiomisc::net::{Addr, BindSocket, DatagramSocket, Listener, SocketError, Stream};
use aiomisc::runtime::{
    Backend, BlockingJob, Drive, JoinError, NoRuntime, Parts, Placement, Runtime, Sleep, Spawn,
    Task, TaskBuilder, TaskHandle, Timer,
};
use aiomisc::service::{ServiceHandle, ServiceOptions, ServiceState};
use aiomisc::thread::{Job, ThreadedIter};
use aiomisc::{
    BoxError, Outcome, RunError, RunningEntrypoint, Service, ServiceContext, StopReason, services,
    time,
};

/// Says of a function what it is.
fn is<F>(_: F) {}

fn holds_for_all<T: Send + Sync + 'static>() {}

#[test]
fn functions_are_the_same() {
    is::<fn() -> Result<Runtime, NoRuntime>>(Runtime::current);
    is::<fn(Runtime) -> Result<(), Runtime>>(Runtime::install_default);
    is::<fn(Arc<dyn Backend>, Arc<dyn Drive>) -> Runtime>(Runtime::with_driver);
    is::<fn(&Runtime) -> &str>(Runtime::name);
    is::<fn(&Runtime) -> Instant>(Runtime::now);
    is::<fn(&Runtime) -> SystemTime>(Runtime::wall_now);
    is::<fn(&Runtime) -> &Arc<dyn Backend>>(Runtime::backend);
    is::<fn(&Runtime, &'static str) -> TaskBuilder>(|runtime, name| runtime.task(name));
    is::<fn(TaskBuilder, Placement) -> TaskBuilder>(TaskBuilder::placement);
    is::<fn(&Runtime, Duration) -> time::Sleep>(Runtime::sleep);
    is::<fn(Duration) -> time::Sleep>(time::sleep);
    is::<fn(Duration) -> time::Interval>(time::interval);
    is::<fn(Duration, std::future::Ready<u8>) -> time::Timeout<std::future::Ready<u8>>>(
        time::timeout,
    );
    is::<fn(std::future::Ready<u8>) -> Task<u8>>(aiomisc::spawn);
    is::<fn(&Task<u8>)>(Task::abort);
    is::<fn(&JoinError) -> Option<&str>>(JoinError::panic_text);
    is::<fn(Runtime) -> Parts>(Parts::of);
    is::<fn(Parts) -> Runtime>(Parts::build);
}

#[test]
fn the_port_is_the_same() {
    is::<
        fn(
            &dyn Spawn,
            &str,
            Placement,
            futures::future::BoxFuture<'static, ()>,
        ) -> Box<dyn TaskHandle>,
    >(|port, name, placement, future| port.spawn(name, placement, future));
    is::<fn(&dyn Timer, Duration) -> std::pin::Pin<Box<dyn Sleep>>>(|port, length| {
        port.sleep(length)
    });
    is::<fn(&dyn Backend, &str, BlockingJob)>(|port, name, job| port.run_blocking(name, job));
}

#[test]
fn entrypoint_and_services_are_the_same() {
    is::<fn() -> EntrypointBuilder>(Entrypoint::builder);
    is::<fn() -> Option<Entrypoint>>(Entrypoint::current);
    is::<fn(EntrypointBuilder, Runtime) -> EntrypointBuilder>(EntrypointBuilder::runtime);
    is::<fn(EntrypointBuilder, LogLevel) -> EntrypointBuilder>(EntrypointBuilder::log_level);
    is::<fn(EntrypointBuilder, LogFormat) -> EntrypointBuilder>(EntrypointBuilder::log_format);
    is::<fn(EntrypointBuilder, [OsSignal; 2]) -> EntrypointBuilder>(
        EntrypointBuilder::catch_signals,
    );
    is::<fn(EntrypointBuilder) -> Result<StopReason, RunError>>(EntrypointBuilder::run_forever);
    is::<fn(std::future::Ready<u8>, Vec<Arc<dyn Service>>) -> Result<Outcome<u8>, RunError>>(
        aiomisc::run,
    );
    is::<fn(&ServiceContext) -> &Runtime>(ServiceContext::runtime);
    is::<fn(&RunningEntrypoint) -> &Entrypoint>(RunningEntrypoint::handle);
    is::<fn(&Entrypoint) -> Vec<ServiceHandle>>(Entrypoint::services);
    holds_for_all::<ServiceState>();
    holds_for_all::<ServiceOptions>();
    holds_for_all::<BoxError>();
    let none: Vec<Arc<dyn Service>> = services![];
    assert!(none.is_empty());
}

#[test]
fn context_variables_are_the_same() {
    aiomisc::context_var! { static NUMBER: u32; }
    is::<fn() -> Option<u32>>(|| NUMBER.get());
    is::<fn(u32) -> Result<(), NoScope>>(|number| NUMBER.set(number));
    is::<fn() -> Captured>(context_var::capture);
    holds_for_all::<Captured>();
    holds_for_all::<ContextVar<u32>>();
    // None of them needs a runtime.
    let captured = NUMBER.sync_scope(1, context_var::capture);
    assert_eq!(captured.run(|| NUMBER.get()), Some(1));
}

/// What attributes make of functions.
#[test]
fn functions_that_block_are_the_same() {
    #[aiomisc::threaded]
    fn job(number: u8) -> u8 {
        number
    }
    #[aiomisc::threaded_separate]
    fn separate(number: u8) -> u8 {
        number
    }
    #[aiomisc::threaded_iterable]
    fn items() -> [u8; 2] {
        [1, 2]
    }
    is::<fn(u8) -> Job<u8>>(job);
    is::<fn(u8) -> Job<u8>>(separate);
    is::<fn(u8) -> u8>(job_sync);
    is::<fn() -> ThreadedIter<u8>>(items);
}

#[test]
fn sockets_are_the_same() {
    is::<fn(&'static str) -> BindSocket>(aiomisc::net::bind_socket);
    is::<fn(&Stream) -> io::Result<Addr>>(Stream::peer_addr);
    fn gives<F: Future<Output = Result<T, SocketError>> + Send, T>(_: fn(BindSocket) -> F) {}
    gives::<_, Listener>(|socket| async move { socket.listen().await });
    gives::<_, DatagramSocket>(|socket| async move { socket.datagram().await });
    holds_for_all::<Listener>();
}
