//! Factories that stand under `#[dependency]`.

use super::*;

struct Pool {
    address: &'static str,
}

struct Users {
    pool: Arc<Pool>,
    replica: Arc<Pool>,
}

static CLOSED: Mutex<Vec<&str>> = Mutex::new(Vec::new());

#[aiomisc::dependency(make_limit = "10s", teardown_limit = "5s")]
async fn pool() -> Result<Provided<Pool>, BoxError> {
    let pool = Pool { address: "db" };
    Ok(Provided::new(pool).on_teardown(|pool| async move {
        let mut closed = CLOSED.lock().map_err(|error| error.to_string())?;
        closed.push(pool.address);
        Ok(())
    }))
}

mod elsewhere {
    use ::aiomisc as renamed;

    use super::*;

    /// Other attributes stay, and the conditions count.
    #[renamed::dependency(name = "replica", crate = "renamed")]
    #[doc(alias = "another")]
    pub(super) async fn replica() -> Pool {
        Pool { address: "replica" }
    }

    #[renamed::dependency(crate = renamed)]
    #[cfg(any())]
    async fn not_there() -> Nowhere {}
}

#[aiomisc::dependency]
async fn users(pool: Arc<Pool>, #[named("replica")] replica: Arc<Pool>) -> std::io::Result<Users> {
    Ok(Users { pool, replica })
}

#[aiomisc::dependency]
async fn refused() -> Result<u16, std::num::ParseIntError> {
    "many".parse()
}

/// The names that the attribute uses are none of the function's.
mod names {
    use super::*;

    pub(super) struct Step<const NUMBER: u8>;

    #[aiomisc::dependency]
    async fn deps() -> Step<1> {
        Step
    }

    #[aiomisc::dependency]
    async fn function(deps: Arc<Step<1>>) -> Step<2> {
        drop(deps);
        Step
    }

    #[aiomisc::dependency]
    async fn value(function: Arc<Step<2>>) -> Result<Step<3>, BoxError> {
        drop(function);
        Ok(Step)
    }

    #[aiomisc::dependency]
    async fn factory(value: Arc<Step<3>>) -> Step<4> {
        drop(value);
        Step
    }
}

#[aiomisc::test(runtimes(all))]
async fn functions_have_any_name() {
    let ep = builder().start().await.expect("nothing is needed");
    let last = ep.dependency::<names::Step<4>>().await;
    last.expect("all are made");
    ep.graceful_shutdown("done").await.expect("all is well");
}

trait Clock: Send + Sync {
    fn hour(&self) -> u8;
}

struct Noon;

impl Clock for Noon {
    fn hour(&self) -> u8 {
        12
    }
}

#[aiomisc::dependency]
async fn clock() -> Provided<dyn Clock> {
    Provided::shared(Arc::new(Noon))
}

#[aiomisc::dependency]
async fn greeting(clock: Arc<dyn Clock>) -> &'static str {
    match clock.hour() {
        12 => "good day",
        _ => "hello",
    }
}

#[aiomisc::test(runtimes(all))]
async fn functions_are_found_and_called_with_what_they_need() {
    let api = service_fn("api", |ctx: ServiceContext| async move {
        let users = ctx.dependency::<Users>()?;
        assert_eq!(
            [users.pool.address, users.replica.address],
            ["db", "replica"]
        );
        assert_eq!(*ctx.dependency::<&'static str>()?, "good day");
        Ok(())
    });
    let api = api.configure(|options| options.needs::<Users>().needs::<&'static str>());
    let ep = builder().service(api).start().await.expect("it starts");
    ep.graceful_shutdown("done").await.expect("all is well");
    let closed = CLOSED.lock().expect("nobody panics meanwhile");
    assert!(closed.contains(&"db"));
}

#[aiomisc::test(runtimes(all))]
async fn a_function_that_fails_is_told() {
    let api = service_fn("api", |_| async { Ok(()) });
    let api = api.configure(|options| options.needs::<u16>());
    let error = builder().service(api).start().await.expect_err("it fails");
    assert_eq!(
        error.to_string(),
        "service `api` failed to start: it needs `u16`: invalid digit found in string"
    );
}

/// V3: who provides the same as a function is told where that is.
#[aiomisc::test(runtimes(all))]
async fn a_function_is_named_by_its_path() {
    let ep = builder().dependency(Dependency::value(Pool { address: "other" }));
    let api = service_fn("api", |_| async { Ok(()) });
    let error = ep
        .service(api.configure(|options| options.needs::<Pool>()))
        .start()
        .await;
    let error = error.expect_err("two provide it").to_string();
    let expected = "by `dependency::attribute::pool` (tests/dependency/attribute.rs:";
    assert!(error.contains(expected), "{error}");
}

/// V8: also in the place of a function.
#[aiomisc::test(runtimes(all))]
async fn a_function_is_replaced() {
    let ep = builder().replace_dependency("hi").start().await;
    let ep = ep.expect("it starts");
    let greeting = ep.dependency::<&'static str>().await.expect("it is there");
    assert_eq!(*greeting, "hi");
    ep.graceful_shutdown("done").await.expect("all is well");
}

#[aiomisc::test(runtimes(all))]
async fn they_stay_functions() {
    let pool = Arc::new(elsewhere::replica().await);
    let users = users(Arc::clone(&pool), pool)
        .await
        .expect("it does not fail");
    assert!(Arc::ptr_eq(&users.pool, &users.replica));
}
