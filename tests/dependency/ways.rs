//! The ways in which values are given and found.

use super::*;

trait Store: Send + Sync {
    fn name(&self) -> String;
}

struct Disk;

impl Store for Disk {
    fn name(&self) -> String {
        "disk".to_owned()
    }
}

struct Memory;

impl Store for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }
}

/// A service that hands out what it finds.
fn finds(found: &Events) -> Configured<impl Service + use<>> {
    let found = found.clone();
    let service = service_fn("finds", move |ctx: ServiceContext| {
        let found = found.clone();
        async move {
            found.add(ctx.dependency::<dyn Store>()?.name());
            found.add(ctx.dependency_named::<String>("replica")?.as_str());
            Ok(())
        }
    });
    service.configure(|options| {
        options
            .needs::<dyn Store>()
            .needs_named::<String>("replica")
    })
}

fn with_store() -> EntrypointBuilder {
    let store = Dependency::new(|deps: Dependencies| async move {
        deps.get::<String>().await?;
        Ok(Provided::<dyn Store>::shared(Arc::new(Disk)))
    });
    let replica = Dependency::new(|deps: Dependencies| async move {
        let main = deps.get::<String>().await?;
        Ok(format!("{main}'s replica"))
    });
    builder()
        .dependency(store.needs::<String>())
        .dependency(replica.named("replica"))
        .dependency(Dependency::value("main".to_owned()))
}

/// By the type of a trait, and by name.
#[aiomisc::test(runtimes(all))]
async fn values_are_known_by_type_and_by_name() {
    let found = Events::default();
    let ep = with_store().service(finds(&found)).start().await;
    let ep = ep.expect("all are made");
    assert_eq!(found.all(), ["disk", "main's replica"]);
    let replica = ep.dependency_named::<String>("replica").await;
    assert_eq!(replica.expect("it is there").as_str(), "main's replica");
    ep.graceful_shutdown("done").await.expect("all is well");
}

/// V8: the factory of what is replaced is not called, and what only that needs is not made.
#[aiomisc::test(runtimes(all))]
async fn tests_put_other_values_in_their_place() {
    let found = Events::default();
    let ep = with_store()
        .dependency(Dependency::new(|_| async {
            panic!("it is replaced");
            #[allow(unreachable_code, reason = "gives the type")]
            Ok(Db)
        }))
        .replace_dependency("nobody's".to_owned())
        .replace_dependency("another".to_owned())
        .replace_dependency_with(Dependency::shared::<dyn Store>(Arc::new(Memory)))
        .replace_dependency(Db)
        .service(finds(&found).configure(|options| options.needs::<Db>()))
        .start()
        .await
        .expect("all are made");
    assert_eq!(found.all(), ["memory", "another's replica"]);
    ep.graceful_shutdown("done").await.expect("all is well");
}

/// V1: however many ask at the same time.
#[aiomisc::test(runtimes(all))]
async fn a_value_is_made_once_for_all_who_ask_at_the_same_time() {
    let made = Events::default();
    let counts = made.clone();
    let db = Dependency::new(move |_| {
        let made = counts.clone();
        async move {
            made.add("made");
            time::sleep(Duration::from_micros(10)).await;
            Ok(Db)
        }
    });
    let ep = builder().dependency(db).start().await.expect("it starts");
    let asks = (0..50).map(|_| {
        let ep = ep.handle().clone();
        aiomisc::spawn(async move { ep.dependency::<Db>().await })
    });
    let found = futures::future::join_all(asks.collect::<Vec<_>>()).await;
    let found: Vec<_> = found
        .into_iter()
        .map(|found| found.expect("no panic").expect("it is made"))
        .collect();
    assert!(found.iter().all(|one| Arc::ptr_eq(one, &found[0])));
    assert_eq!(made.all(), ["made"]);
    ep.graceful_shutdown("done").await.expect("all is well");
}

/// What a handler of a server needs is found where the handler is.
#[aiomisc::test(runtimes(all))]
async fn tasks_of_a_service_find_what_it_needs() {
    let found = Events::default();
    let notes = found.clone();
    let service = service_fn("spawns", move |ctx: ServiceContext| {
        let notes = notes.clone();
        async move {
            let task = aiomisc::spawn(async move {
                let ctx = ServiceContext::current().ok_or("in the service")?;
                notes.add(ctx.dependency::<String>()?.as_str());
                Ok::<(), BoxError>(())
            });
            task.await??;
            drop(ctx);
            Ok(())
        }
    });
    let ep = builder()
        .dependency(Dependency::value("shared".to_owned()))
        .service(service.configure(|options| options.needs::<String>()))
        .start()
        .await
        .expect("it starts");
    assert_eq!(found.all(), ["shared"]);
    ep.graceful_shutdown("done").await.expect("all is well");
}

/// A factory is inside of the entrypoint, as a task that tells its name.
#[aiomisc::test(runtimes(all))]
async fn a_factory_is_a_task_of_the_entrypoint() {
    let names = Dependency::new(|deps: Dependencies| async move {
        let ep = Entrypoint::current().ok_or("inside")?;
        assert!(ServiceContext::current().is_none());
        assert_eq!(deps.entrypoint().tasks().len(), ep.tasks().len());
        let tasks = ep.tasks().into_iter();
        Ok(tasks.map(|task| task.name.to_string()).collect::<Vec<_>>())
    });
    let ep = builder()
        .dependency(names)
        .start()
        .await
        .expect("it starts");
    let names = ep.dependency::<Vec<String>>().await.expect("it is made");
    assert!(names.contains(&"`Vec<String>`".to_owned()), "{names:?}");
    ep.graceful_shutdown("done").await.expect("all is well");
}

/// V4: within one start, whatever fails is tried once, on any number of threads.
#[aiomisc::test(runtimes(all))]
async fn within_one_start_a_failing_factory_is_called_once() {
    let calls = Events::default();
    for _ in 0..20 {
        let counts = calls.clone();
        let db = Dependency::new(move |_| {
            counts.add("called");
            async { Err::<Db, _>("no".into()) }
        });
        let late = Dependency::new(|deps: Dependencies| async move {
            deps.get::<Db>().await?;
            Ok(Mail)
        });
        let service = |name| {
            let service = service_fn(name, |_| async { Ok(()) });
            service.configure(|options| options.needs::<Mail>().needs::<Repo>())
        };
        let error = builder()
            .dependency(db)
            .dependency(late)
            .dependency(Dependency::new(|_| async { Ok(Repo) }).needs::<Db>())
            .services(services![service("one"), service("two"), service("three")])
            .start()
            .await
            .expect_err("none starts");
        let names: Vec<_> = error
            .failures()
            .iter()
            .map(|error| error.service())
            .collect();
        assert_eq!(names, ["one", "two", "three"], "{error}");
    }
    assert_eq!(calls.all().len(), 20);
}

/// V5: one that blocks its thread is left behind, and named.
#[cfg(feature = "tokio")]
#[test]
fn a_factory_that_blocks_its_thread_is_left_behind() {
    use std::sync::mpsc;

    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let (begin, begun) = mpsc::channel();
    let blocks = Dependency::new(move |_| {
        let (released, begin) = (Arc::clone(&released), begin.clone());
        async move {
            begin.send(())?;
            let released = released.lock().map_err(|error| error.to_string())?;
            // Until the program has ended.
            let _ = released.recv();
            Ok(Db)
        }
    });
    // The main job is on the thread of the test, and the stop as well.
    let error = builder()
        .runtime(aiomisc::adapters::Tokio::multi_thread(2).expect("tokio"))
        .dependency(blocks.teardown_limit(Duration::from_millis(10)))
        .run_with(async |ep| {
            let ask = async move { ep.dependency::<Db>().await.map(drop) };
            aiomisc::spawn(ask).detach();
            begun.recv().expect("it is called");
        })
        .map(drop)
        .expect_err("one is left");
    drop(release);
    assert_eq!(
        error.to_string(),
        "dependency `Db` failed to be torn down: its factory was given up, and has not ended for 10ms: it \
         blocks its thread"
    );
}
