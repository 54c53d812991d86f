//! `#[aggregate]` and `#[aggregate_async]`.

use std::sync::atomic::{AtomicUsize, Ordering};

use aiomisc::Arg;
use aiomisc::aggregate::{AggregateError, AggregateStatistic};
use futures::future::join_all;

static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Two to the power of each.
#[aiomisc::aggregate(leeway_ms = 5, max_count = 8, name = "powers of two")]
pub(crate) async fn powers(exponents: Vec<u32>) -> Vec<u64> {
    CALLS.fetch_add(1, Ordering::SeqCst);
    exponents
        .into_iter()
        .map(|exponent| 1 << exponent)
        .collect()
}

#[aiomisc::aggregate(leeway_ms = 1, most_batches = 2, most_waiting = 100)]
async fn parsed(mut texts: Vec<String>) -> Result<Vec<u32>, std::num::ParseIntError> {
    texts.iter_mut().map(|text| text.parse()).collect()
}

#[aiomisc::aggregate_async(leeway_ms = 1)]
async fn halves(args: Vec<Arg<u32, u32, String>>) {
    for Arg { value, sender, .. } in args {
        let half = if value % 2 == 0 {
            Ok(value / 2)
        } else {
            Err(format!("{value} is odd"))
        };
        // Its caller may have gone.
        let _ = sender.send(half);
    }
}

#[aiomisc::aggregate_async]
async fn fails(_: Vec<Arg<u32, u32, &'static str>>) -> Result<(), &'static str> {
    Err("all of them")
}

#[aiomisc::test(runtimes(all))]
async fn a_function_of_many_is_called_with_one() {
    let results = join_all((0..8).map(powers)).await;
    let results: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    assert_eq!(results, [1, 2, 4, 8, 16, 32, 64, 128]);
    assert!(CALLS.load(Ordering::SeqCst) > 0);
    let figures = aiomisc::statistics().of_kind::<AggregateStatistic>();
    let names: Vec<_> = figures.filter_map(|figure| figure.name).collect();
    assert!(names.iter().any(|name| &**name == "powers of two"));
}

#[aiomisc::test(runtimes(all))]
async fn its_errors_are_those_of_the_batch_or_of_the_call() {
    assert_eq!(parsed("5".to_owned()).await.unwrap(), 5);
    let error = parsed("five".to_owned()).await.unwrap_err();
    assert!(matches!(error, AggregateError::Batch(_)), "{error}");
    let (four, five) = futures::join!(halves(4), halves(5));
    assert_eq!(four.unwrap(), 2);
    assert!(matches!(five, Err(AggregateError::Own(why)) if why == "5 is odd"));
    let error = fails(1).await.unwrap_err();
    assert!(matches!(error, AggregateError::Batch(why) if *why == "all of them"));
}
