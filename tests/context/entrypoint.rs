//! The context of an entrypoint.

use std::error::Error;
use std::time::Duration;

use aiomisc::{Context, Entrypoint, Key, ServiceContext, Task, service_fn};

static ADDRESS: Key<String> = Key::new("address");

fn entrypoint() -> aiomisc::entrypoint::EntrypointBuilder {
    Entrypoint::builder().log_config(false).catch_signals([])
}

#[aiomisc::test(runtimes(all))]
async fn services_find_each_other() {
    assert!(Context::current().is_none());
    let needs = service_fn("needs", |ctx: ServiceContext| async move {
        assert_eq!(ctx.context().get(&ADDRESS).await?, "here");
        ctx.context().set(&Key::new("answer"), 42);
        Ok(())
    });
    let gives = service_fn("gives", |_| async {
        // The same one, found by a task that the service has spawned.
        let task: Task<()> = aiomisc::spawn(async {
            let context = Context::current().unwrap();
            context.set(&ADDRESS, "here".to_owned());
        });
        Ok(task.await?)
    });
    let running = entrypoint().service(needs).service(gives).start().await;
    let running = running.unwrap();
    assert_eq!(running.context().try_get(&Key::new("answer")), Some(42));
    let other = entrypoint().start().await.unwrap();
    assert!(other.context().try_get(&ADDRESS).is_none());
    other.graceful_shutdown("done").await.unwrap();
    running.graceful_shutdown("done").await.unwrap();
}

#[aiomisc::test(runtimes(all))]
async fn the_report_names_the_service() {
    let waits = service_fn("waits", |ctx: ServiceContext| async move {
        ctx.ready();
        ctx.context().get(&ADDRESS).await?;
        Ok(())
    });
    let running = entrypoint().service(waits).start().await.unwrap();
    super::until(|| !running.context().waiting().is_empty()).await;
    let waiting = running.context().waiting();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].service(), Some("waits"));
    assert!(waiting[0].since().is_some());
    let shown = waiting[0].to_string();
    let start = "`address` (alloc::string::String) by the service `waits` at ";
    assert!(shown.starts_with(start), "{shown}");
    let context = running.context().clone();
    running.graceful_shutdown("done").await.unwrap();
    assert_eq!(context.waiting().len(), 0, "the wait went with the service");
}

#[aiomisc::test(runtimes(all))]
async fn who_waits_while_the_start_fails_is_given_up() {
    let waits = service_fn("waits", |ctx: ServiceContext| async move {
        ctx.context().get(&ADDRESS).await?;
        Ok(())
    });
    let fails = service_fn("fails", |ctx: ServiceContext| async move {
        super::until(|| ctx.context().waiting().len() == 1).await;
        Err("out of order".into())
    });
    let start = entrypoint().service(waits).service(fails).start();
    let error = start.await.unwrap_err();
    let mut failed: Vec<_> = error.failures().iter().map(|e| e.service()).collect();
    failed.sort_unstable();
    assert_eq!(failed, ["fails", "waits"], "{error}");
}

/// The limit names the key, and the service's error carries it.
#[aiomisc::test(runtimes(all))]
async fn a_service_may_wait_with_a_limit() {
    let waits = service_fn("waits", |ctx: ServiceContext| async move {
        let limit = Duration::from_millis(1);
        ctx.context().get(&ADDRESS).within(limit).await?;
        Ok(())
    });
    let error = entrypoint().service(waits).start().await.unwrap_err();
    let text = error.failures()[0].source().unwrap().to_string();
    assert!(
        text.contains("the key `address` (alloc::string::String) was not set within 1ms"),
        "{text}"
    );
}
