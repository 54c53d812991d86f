//! Tasks that a factory has left running: they ask for values as everybody does.

use std::sync::atomic::{AtomicUsize, Ordering};

use aiomisc::Task;
use aiomisc::dependency::DependencyError;

use super::*;

type Asked = Task<Result<Arc<Mail>, DependencyError>>;

/// A pool with a task of its own.
struct Pool(Mutex<Option<Asked>>);

impl Pool {
    /// Its task asks some time after the pool was made.
    fn dependency(delay: u64, by_scope: bool) -> Dependency {
        Dependency::new(move |deps: Dependencies| async move {
            let task = aiomisc::spawn(async move {
                after(delay).await;
                match by_scope {
                    true => {
                        let ep = Entrypoint::current().expect("inside");
                        ep.dependency::<Mail>().await
                    }
                    false => deps.get::<Mail>().await,
                }
            });
            Ok(Self(Mutex::new(Some(task))))
        })
    }

    async fn asked(&self) -> Result<Arc<Mail>, DependencyError> {
        let task = self.0.lock().expect("nobody panics meanwhile").take();
        task.expect("once").await.expect("it does not panic")
    }
}

/// V3: a value that is there waits for nothing: what needs it, and is not there yet, is no circle.
#[test]
fn a_task_of_a_value_that_is_there_may_ask_for_what_needs_that_value() {
    for by_scope in [false, true] {
        simulate(async || {
            let diary = Diary::new();
            let mail = diary.factory("mail", 0, || Mail);
            let ep = builder()
                .dependency(Pool::dependency(50, by_scope))
                .dependency(diary.factory("db", 100, || Db))
                .dependency(mail.needs::<Pool>().needs::<Db>())
                .service(diary.service("api", |options| options.needs::<Mail>()))
                .start()
                .await
                .expect("there is no circle");
            let pool = ep.dependency::<Pool>().await.expect("it is there");
            pool.asked().await.expect("there is no circle");
            ep.graceful_shutdown("done").await.expect("all is well");
        });
    }
}

/// V4: it asks for itself, so that what has failed is tried again.
#[test]
fn a_task_of_a_value_that_is_there_has_what_failed_tried_again() {
    for by_scope in [false, true] {
        simulate(async || {
            let calls = AtomicUsize::new(0);
            let mail = Dependency::new(move |_| {
                let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
                async move { (!first).then_some(Mail).ok_or_else(|| "not yet".into()) }
            });
            let ep = builder()
                .dependency(Pool::dependency(50, by_scope))
                .dependency(mail)
                .start()
                .await
                .expect("nothing is needed");
            let pool = ep.dependency::<Pool>().await.expect("it is made");
            ep.dependency::<Mail>().await.err().expect("not yet");
            pool.asked().await.expect("it is tried again");
            ep.graceful_shutdown("done").await.expect("all is well");
        });
    }
}

/// V4: the same in another entrypoint, whose starts are counted apart.
#[test]
fn a_factory_may_ask_another_entrypoint() {
    simulate(async || {
        let calls = AtomicUsize::new(0);
        let mail = Dependency::new(move |_| {
            let first = calls.fetch_add(1, Ordering::SeqCst) == 0;
            async move { (!first).then_some(Mail).ok_or_else(|| "not yet".into()) }
        });
        let other = builder().dependency(mail).start().await.expect("it starts");
        for _ in 0..5 {
            other.dependency::<Repo>().await.err().expect("nobody's");
        }
        other.dependency::<Mail>().await.err().expect("not yet");
        let asks = other.handle().clone();
        let db = Dependency::new(move |_| {
            let asks = asks.clone();
            async move {
                asks.dependency::<Mail>().await?;
                Ok(Db)
            }
        });
        let ep = builder().dependency(db).start().await.expect("it starts");
        ep.dependency::<Db>().await.expect("it is tried again");
        ep.graceful_shutdown("done").await.expect("all is well");
        other.graceful_shutdown("done").await.expect("all is well");
    });
}
