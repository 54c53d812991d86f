//! `#[timeout]`, `#[asyncbackoff]` and `#[asyncretry]` (rows C2, C3 and C4 of the parity table). Messages for
//! mistakes are in `tests/ui`.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use aiomisc::retry::{BackoffStatistic, Jitter, Pause, RetryBudget};
use aiomisc::time::Elapsed;
use aiomisc::{BoxError, asyncbackoff, asyncretry, statistics, timeout};

use super::*;

// ---- timeout ----

#[timeout("1s")]
async fn by_text(takes: u64) -> Result<u64, BoxError> {
    time::sleep(ms(takes)).await;
    Ok(takes)
}

#[timeout(1)]
async fn by_seconds(takes: u64) -> io::Result<u64> {
    time::sleep(ms(takes)).await;
    Ok(takes)
}

#[timeout(0.25)]
async fn by_parts_of_a_second(takes: u64) -> Result<u64, Elapsed> {
    time::sleep(ms(takes)).await;
    Ok(takes)
}

#[timeout(limit, crate = "aiomisc")]
async fn by_argument(limit: Duration) -> Result<(), Elapsed> {
    std::future::pending().await
}

#[aiomisc::test(simulation)]
async fn a_function_has_so_long() {
    assert_eq!(by_text(1000).await.unwrap(), 1000);
    let watch = Watch::begin();
    assert!(by_text(1001).await.unwrap_err().is::<Elapsed>());
    assert_eq!(watch.millis(), 1000);
    let error = by_seconds(1001).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(watch.millis(), 2000);
    assert_eq!(by_seconds(1000).await.unwrap(), 1000);
    assert!(by_parts_of_a_second(250).await.is_ok());
    assert!(by_parts_of_a_second(251).await.is_err());
    let watch = Watch::begin();
    assert_eq!(by_argument(ms(77)).await, Err(Elapsed::default()));
    assert_eq!(watch.millis(), 77);
}

/// Early returns, `?`, patterns, borrowed and generic arguments.
#[timeout("1s")]
async fn with_everything<'a, T>(
    text: &'a T,
    (first, mut second): (u32, u32),
) -> Result<&'a str, BoxError>
where
    T: AsRef<str> + Sync + ?Sized,
{
    if text.as_ref().is_empty() {
        return Err("it is empty".into());
    }
    second += text.as_ref().parse::<u32>()?;
    assert_eq!(first, second);
    Ok(text.as_ref())
}

#[rustfmt::skip]
#[timeout("1s")]
#[deny(unused_braces)]
async fn in_one_line(number: u32) -> Result<u32, Elapsed> { Ok(number) }

#[rustfmt::skip]
#[asyncretry(2)]
#[deny(unused_braces)]
async fn again_in_one_line(number: u32) -> Result<u32, ()> { Ok(number) }

/// The compiler has nothing to say about the braces of such a function.
#[aiomisc::test(simulation)]
async fn a_body_may_be_a_line() {
    assert_eq!(in_one_line(7).await, Ok(7));
    assert_eq!(again_in_one_line(7).await, Ok(7));
}

#[aiomisc::test(simulation)]
async fn the_body_is_what_it_was() {
    assert_eq!(with_everything("7", (8, 1)).await.unwrap(), "7");
    let error = with_everything("", (8, 1)).await.unwrap_err();
    assert_eq!(error.to_string(), "it is empty");
    let error = with_everything("x", (8, 1)).await.unwrap_err();
    assert!(error.is::<std::num::ParseIntError>());
}

// ---- asyncbackoff ----

static BEGAN: Mutex<Vec<(u32, Instant)>> = Mutex::new(Vec::new());

#[asyncbackoff("100ms", "1s", "50ms", attempt = attempt)]
async fn by_places(takes: u64) -> io::Result<u32> {
    BEGAN.lock().unwrap().push((attempt.number(), now()));
    time::sleep(ms(takes)).await;
    Err(ErrorKind::ConnectionReset.into())
}

#[aiomisc::test(simulation)]
async fn limits_and_pauses_hold() {
    let watch = Watch::begin();
    let error = by_places(70).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(watch.millis(), 1000);
    let began = std::mem::take(&mut *BEGAN.lock().unwrap());
    let numbers: Vec<_> = began.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=9).collect::<Vec<_>>());
    let millis = began.iter().map(|(_, at)| (*at - watch.0).as_millis());
    assert!(millis.eq((0..9).map(|n| n * 120)));
    let error = by_places(170).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(BEGAN.lock().unwrap().len(), 7);
}

const LONGEST: Duration = ms(40);

static BUDGET: LazyLock<RetryBudget> = LazyLock::new(|| RetryBudget::new(5, 0.5).unwrap());

fn is_busy(error: &io::Error) -> bool {
    error.kind() == ErrorKind::ResourceBusy
}

#[asyncbackoff(
    attempt_timeout = 10.5,
    deadline = None,
    pause = Pause::exponential(ms(10)).cap(LONGEST).jitter(Jitter::None),
    max_tries = 10,
    retry_if = is_busy,
    giveup = |error| error.to_string() == "enough",
    retry_after = |error| error.raw_os_error().map(|_| ms(70)),
    budget = *BUDGET,
    name = "backoff with everything",
)]
async fn with_options(errors: Arc<Mutex<Vec<io::Error>>>) -> io::Result<usize> {
    let error = errors.lock().unwrap().pop();
    error.map_or(Ok(7), Err)
}

#[aiomisc::test(simulation)]
async fn options_do_what_those_of_the_builder_do() {
    let busy = || io::Error::from(ErrorKind::ResourceBusy);
    let run = async |mut errors: Vec<io::Error>| {
        errors.reverse();
        let watch = Watch::begin();
        let result = with_options(Arc::new(Mutex::new(errors))).await;
        (result.map_err(|error| error.to_string()), watch.millis())
    };
    assert_eq!(run(vec![]).await, (Ok(7), 0));
    assert_eq!(
        run(vec![busy(), busy(), busy(), busy()]).await,
        (Ok(7), 110)
    );
    let (result, took) = run(vec![ErrorKind::NotFound.into()]).await;
    assert_eq!((result.is_err(), took), (true, 0));
    let enough = io::Error::new(ErrorKind::ResourceBusy, "enough");
    assert_eq!(run(vec![enough]).await, (Err("enough".to_owned()), 0));
    // EBUSY, of the system
    let asks = io::Error::from_raw_os_error(16);
    assert_eq!(asks.kind(), ErrorKind::ResourceBusy);
    assert_eq!(run(vec![asks]).await, (Ok(7), 70));
    // Five tokens, of which five were spent, and three halves came back.
    let (result, took) = run(vec![busy(), busy(), busy()]).await;
    assert_eq!((result.is_err(), took), (true, 10));
    let figures = statistics().of_kind::<BackoffStatistic>();
    let calls = figures
        .filter(|figure| figure.name.as_deref() == Some("backoff with everything"))
        .find(|figure| figure.metric == "calls");
    assert_eq!(calls.unwrap().value.as_f64(), Some(6.0));
}

// ---- asyncretry ----

struct Client {
    calls: AtomicU32,
}

impl Client {
    /// It fails so often.
    #[asyncretry(3, crate = aiomisc)]
    async fn fetch<T: Clone + Send>(
        &self,
        fails: u32,
        mut values: Vec<T>,
        (key, _): (&'static str, u8),
        _: u8,
    ) -> Result<(&'static str, Vec<T>), String> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        if number < fails {
            values.clear();
            return Err(format!("failure {number}"));
        }
        Ok((key, values))
    }
}

#[aiomisc::test(runtimes(all))]
async fn a_method_gets_its_arguments_again_for_each_attempt() {
    let client = Arc::new(Client { calls: 0.into() });
    let fetches = {
        let client = Arc::clone(&client);
        // It can be sent.
        aiomisc::spawn(async move { client.fetch(2, vec![1, 2], ("key", 0), 0).await })
    };
    assert_eq!(fetches.await.unwrap(), Ok(("key", vec![1, 2])));
    let error = client.fetch(9, vec![""], ("key", 0), 0).await;
    assert_eq!(error, Err("failure 5".to_owned()));
    assert_eq!(client.calls.load(Ordering::Relaxed), 6);
}

/// `None` means for ever, as in the original.
#[asyncretry(None, pause = 1)]
async fn for_ever(calls: &AtomicU32) -> Result<u32, ()> {
    match calls.fetch_add(1, Ordering::Relaxed) {
        1000 => Ok(1000),
        _ => Err(()),
    }
}

#[aiomisc::test(simulation)]
async fn a_retry_may_have_no_limit() {
    let watch = Watch::begin();
    assert_eq!(for_ever(&AtomicU32::new(0)).await, Ok(1000));
    assert_eq!(watch.millis(), 1_000_000);
}

#[aiomisc::test(simulation)]
async fn the_functions_have_figures_by_their_names() {
    for_ever(&AtomicU32::new(1000)).await.unwrap();
    let figures = statistics().of_kind::<BackoffStatistic>();
    let mut named = figures.filter(|figure| figure.name.as_deref() == Some("for_ever"));
    assert_eq!(named.next().unwrap().kind.name(), "RetryStatistic");
}

/// What only the program knows is told when it is first called.
#[asyncbackoff(pause = Pause::exponential(ms(10)).cap(ms(1)))]
async fn impossible() -> Result<(), ()> {
    Ok(())
}

#[aiomisc::test(simulation)]
async fn settings_that_cannot_be_are_a_panic_of_the_first_call() {
    let error = aiomisc::spawn(impossible()).await.unwrap_err();
    let text = "cap of the pause: expected at least the first pause, 10ms, got 1ms";
    assert_eq!(error.panic_text(), Some(text));
}
