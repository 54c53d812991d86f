//! What is set around an entrypoint, and inside of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aiomisc::service::{Policy, Restart};
use aiomisc::{Entrypoint, Service, ServiceContext, StopReason, async_trait, service_fn};

use super::*;

fn builder() -> aiomisc::entrypoint::EntrypointBuilder {
    Entrypoint::builder()
        .environment(|_| None)
        .log_config(false)
        .catch_signals([])
}

type Seen = Arc<Mutex<Vec<(&'static str, Option<u32>)>>>;

/// Says what its parts see, and changes it for itself.
struct Looks(Seen);

#[async_trait]
impl Service for Looks {
    async fn start(&self, ctx: ServiceContext) -> Result<(), aiomisc::BoxError> {
        self.0.lock().unwrap().push(("start", NUMBER.get()));
        NUMBER.set(100)?;
        ctx.ready();
        let child = spawn(async { NUMBER.get() }).await?;
        self.0.lock().unwrap().push(("child", child));
        ctx.stopping().await;
        Ok(())
    }

    async fn stop(&self, _: &StopReason) -> Result<(), aiomisc::BoxError> {
        self.0.lock().unwrap().push(("stop", NUMBER.get()));
        Ok(())
    }
}

const LOOKED: [(&str, Option<u32>); 3] =
    [("start", Some(7)), ("child", Some(100)), ("stop", Some(7))];

#[aiomisc::test(runtimes(all))]
async fn services_see_what_is_set_around_the_start() {
    let seen = Seen::default();
    NUMBER.set(7).unwrap();
    let starting = builder().service(Looks(Arc::clone(&seen))).start();
    let ep = starting.await.unwrap();
    NUMBER.set(8).unwrap();
    while seen.lock().unwrap().len() < 2 {
        pause().await;
    }
    ep.graceful_shutdown("done").await.unwrap();
    assert_eq!(*seen.lock().unwrap(), LOOKED);
    assert_eq!(NUMBER.get(), Some(8));
}

#[test]
fn services_and_main_see_what_is_set_around_the_run() {
    for runtime in shared::runtimes() {
        let seen = Seen::default();
        let looks = Looks(Arc::clone(&seen));
        let main = async {
            let before = NUMBER.get();
            NUMBER.set(9).unwrap();
            while seen.lock().unwrap().len() < 2 {
                pause().await;
            }
            (before, spawn(async { NUMBER.get() }).await.unwrap())
        };
        let run = || builder().runtime(runtime.clone()).service(looks).run(main);
        let outcome = NUMBER.sync_scope(7, run).unwrap();
        assert_eq!(outcome.finished(), Some((Some(7), Some(9))));
        assert_eq!(*seen.lock().unwrap(), LOOKED, "{}", runtime.name());
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_service_that_is_started_again_sees_the_same() {
    let seen = Seen::default();
    let lives = Arc::new(AtomicUsize::new(0));
    let service = {
        let seen = Arc::clone(&seen);
        service_fn("frail", move |ctx: ServiceContext| {
            let (seen, life) = (Arc::clone(&seen), lives.fetch_add(1, Ordering::Relaxed));
            async move {
                seen.lock().unwrap().push(("start", NUMBER.get()));
                NUMBER.set(100)?;
                ctx.ready();
                if life < 2 {
                    return Err("broken".into());
                }
                ctx.stopping().await;
                Ok(())
            }
        })
    };
    let restart = Restart::new().pause(Duration::from_millis(1));
    let service = service.configure(|options| options.policy(Policy::Restart(restart)));
    let ep = NUMBER.scope(7, builder().service(service).start()).await;
    let ep = ep.unwrap();
    while seen.lock().unwrap().len() < 3 {
        pause().await;
    }
    ep.graceful_shutdown("done").await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [("start", Some(7)); 3]);
}

/// Nothing of it is kept when the entrypoint is gone.
#[aiomisc::test(runtimes(all))]
async fn an_entrypoint_gives_up_the_values_with_itself() {
    context_var! { static VALUE: Arc<()>; }
    let value = Arc::new(());
    let waits = service_fn("waits", |ctx: ServiceContext| async move {
        ctx.ready();
        ctx.stopping().await;
        Ok(())
    });
    let running = VALUE.scope(Arc::clone(&value), builder().service(waits).start());
    let ep = running.await.unwrap();
    assert!(Arc::strong_count(&value) > 1);
    ep.graceful_shutdown("done").await.unwrap();
    // Its last tasks are dropped after they have said that it ended.
    while Arc::strong_count(&value) > 1 {
        pause().await;
    }
}
