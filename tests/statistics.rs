//! Figures of the parts and of a program's own kinds (rows C16 and C17 of the parity table), and what
//! was wrong with them in the original: see deviation 32.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails at that place"
)]

#[cfg(any(feature = "openmetrics", feature = "metrics"))]
#[path = "statistics/export.rs"]
mod export;
#[cfg(all(
    feature = "testing",
    feature = "macros",
    any(feature = "smol", feature = "tokio", feature = "simulation")
))]
#[path = "statistics/runtimes.rs"]
mod runtimes;
#[path = "statistics/stress.rs"]
mod stress;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use aiomisc::Context;
use aiomisc::context::ContextStatistic;
use aiomisc::statistics::{Counter, Figure, Gauge, Histogram, Instance, Statistic, Sum, Value};
use aiomisc::{statistic, statistics};

/// Who reads all figures holds each of them for a moment, also those that go just then: such tests and those that
/// look for what has gone run one after another.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lines of a kind, whatever other tests do meanwhile.
fn lines<K: Statistic>() -> Vec<String> {
    statistics()
        .of_kind::<K>()
        .map(|figure| figure.to_string())
        .collect()
}

// ---- what is shown ----

#[test]
fn figures_have_their_kind_name_metric_and_value() {
    statistic! {
        /// One of each.
        pub(crate) struct AllStatistic {
            /// How often.
            pub(crate) times: Counter,
            level: Gauge,
            ratio: FloatGauge,
            sum_time: Sum,
            took: Histogram,
        }
    }
    let all = AllStatistic::new("every");
    all.times.add_one();
    all.times.add(16);
    all.level.add(5);
    all.level.add(-8);
    all.ratio.set(0.25);
    all.sum_time.add(Duration::from_millis(1500));
    all.took.observe(Duration::from_millis(20));
    all.took.observe(Duration::from_millis(230));
    assert_eq!(
        lines::<AllStatistic>(),
        [
            "AllStatistic every times 17",
            "AllStatistic every level -3",
            "AllStatistic every ratio 0.25",
            "AllStatistic every sum_time 1.5",
            "AllStatistic every took 2 in 0.25",
        ]
    );
    let numbers: Vec<_> = statistics()
        .of_kind::<AllStatistic>()
        .map(|figure| figure.value.as_f64())
        .collect();
    assert_eq!(
        numbers,
        [Some(17.0), Some(-3.0), Some(0.25), Some(1.5), None]
    );
    all.level.set(2);
    assert_eq!((all.level.value(), all.ratio.value()), (2, 0.25));
    let figure = statistics().of_kind::<AllStatistic>().next().unwrap();
    assert_eq!(figure.help, "How often.");
    assert_eq!(figure.name.as_deref(), Some("every"));
    assert_eq!(figure.value, Value::Counter(17));
    assert_eq!(figure.kind.module(), module_path!());
    assert_eq!(figure.kind, AllStatistic::KIND);
}

/// As in the document, and in no other place of this process.
#[test]
fn a_context_has_its_figures_as_long_as_it_lives() {
    let _alone = alone();
    let context = Context::new();
    context.insert(7_u8);
    context.insert(8_u8);
    assert_eq!(context.try_get_type::<u8>(), Some(8));
    let found = lines::<ContextStatistic>();
    let get = found
        .iter()
        .position(|l| l == "ContextStatistic None get 1");
    assert_eq!(
        found.get(get.unwrap() + 1).map(String::as_str),
        Some("ContextStatistic None set 2")
    );
    let all: Vec<_> = statistics().map(|figure| figure.to_string()).collect();
    assert!(all.iter().any(|line| line == "ContextStatistic None set 2"));
    drop(context);
    assert!(
        !lines::<ContextStatistic>()
            .iter()
            .any(|line| line == "ContextStatistic None set 2")
    );
}

#[test]
fn kinds_come_by_name_and_instances_as_they_were_made() {
    let _alone = alone();
    mod inner {
        aiomisc::statistic! { pub(super) struct OrderBStatistic { pub(super) b: Counter } }
    }
    statistic! { struct OrderCStatistic { c: Counter } }
    statistic! { struct OrderAStatistic { a2: Counter, a1: Counter } }
    statistic! { struct OrderBStatistic { b: Counter } }

    let _c = OrderCStatistic::unnamed();
    let first = OrderBStatistic::new("z");
    let _inner = inner::OrderBStatistic::new("inner");
    let _second = OrderBStatistic::new("y");
    let _a = OrderAStatistic::unnamed();
    let _third = OrderBStatistic::new("x");
    let shown = || -> Vec<_> {
        let of_these = |f: &Figure| f.kind.name().starts_with("Order");
        let figures = statistics().filter(of_these);
        figures.map(|figure| figure.to_string()).collect()
    };
    let expected = [
        "OrderAStatistic None a2 0",
        "OrderAStatistic None a1 0",
        "OrderBStatistic z b 0",
        "OrderBStatistic y b 0",
        "OrderBStatistic x b 0",
        "OrderBStatistic inner b 0",
        "OrderCStatistic None c 0",
    ];
    assert_eq!(shown(), expected);
    drop(first);
    assert_eq!(shown(), [&expected[..2], &expected[3..]].concat());
    // The same name is another kind.
    assert_eq!(lines::<inner::OrderBStatistic>().len(), 1);
}

#[test]
fn who_asks_for_a_parent_gets_its_children() {
    statistic! {
        /// The parent.
        struct BackoffLikeStatistic { attempts: Counter, done: Counter }
    }
    statistic! {
        /// Has nothing of its own.
        struct RetryLikeStatistic: BackoffLikeStatistic {}
    }
    statistic! {
        struct PatientStatistic: RetryLikeStatistic { pauses: Counter }
    }
    fn attempt(of: &BackoffLikeStatistic) {
        of.attempts.add_one();
    }

    let backoff = BackoffLikeStatistic::new("b");
    let retry = RetryLikeStatistic::new("r");
    let patient = PatientStatistic::new("p");
    attempt(&backoff);
    attempt(&retry);
    attempt(&patient);
    retry.done.add(5);
    patient.pauses.add(2);
    let of_backoff = [
        "BackoffLikeStatistic b attempts 1",
        "BackoffLikeStatistic b done 0",
    ];
    let of_patient = [
        "PatientStatistic p attempts 1",
        "PatientStatistic p done 0",
        "PatientStatistic p pauses 2",
    ];
    let of_retry = [
        "RetryLikeStatistic r attempts 1",
        "RetryLikeStatistic r done 5",
    ];
    assert_eq!(
        lines::<BackoffLikeStatistic>(),
        [&of_backoff[..], &of_patient, &of_retry].concat()
    );
    assert_eq!(
        lines::<RetryLikeStatistic>(),
        [&of_patient[..], &of_retry].concat()
    );
    assert_eq!(lines::<PatientStatistic>(), of_patient);
    assert_eq!(
        PatientStatistic::KIND.parent(),
        Some(RetryLikeStatistic::KIND)
    );
    assert_eq!(BackoffLikeStatistic::KIND.parent(), None);

    // Asked for in the middle.
    let mut some = statistics().of_kind::<BackoffLikeStatistic>();
    assert!(some.next().unwrap().is_of::<BackoffLikeStatistic>());
    let rest: Vec<_> = some
        .of_kind::<RetryLikeStatistic>()
        .map(|figure| figure.to_string())
        .collect();
    assert_eq!(rest, [&of_patient[..], &of_retry].concat());
}

/// What the macro takes: attributes, visibilities, names that are keywords, no commas, nothing at all.
#[test]
fn kinds_can_be_declared_in_many_ways() {
    statistic! {
        /// With an attribute
        /// and two lines.
        #[derive(PartialEq)]
        pub struct EmptyStatistic {}
    }
    statistic! {
        pub(crate) struct OddStatistic {
            /// Says "much",
            /// on two lines.
            r#type: Counter,
            pub(crate) name: Counter
        }
    }
    let empty = EmptyStatistic::unnamed();
    assert!(*empty == EmptyStatistic::default());
    assert_eq!(lines::<EmptyStatistic>(), [""; 0]);
    let odd = OddStatistic::new(String::from("one name"));
    odd.r#type.add_one();
    odd.name.add_one();
    assert_eq!(odd.name(), Some("one name"));
    assert_eq!(
        lines::<OddStatistic>(),
        [
            "OddStatistic one name type 1",
            "OddStatistic one name name 1"
        ]
    );
    let figure = statistics().of_kind::<OddStatistic>().next().unwrap();
    assert_eq!(figure.help, "Says \"much\", on two lines.");
    assert_eq!(
        format!("{odd:?}"),
        "Instance { name: Some(\"one name\"), figures: OddStatistic { type: Counter { slot: 1 }, \
         name: Counter { slot: 1 } } }"
    );
    // What is not registered is not shown.
    let hidden = OddStatistic::default();
    hidden.name.add_one();
    assert_eq!(lines::<OddStatistic>().len(), 2);
}

#[test]
fn a_histogram_counts_by_buckets_whose_bounds_belong_to_them() {
    let histogram = Histogram::new();
    let lengths = [
        Duration::ZERO,
        Duration::from_micros(100),
        Duration::from_nanos(100_001),
        Duration::from_secs(10),
        Duration::from_nanos(10_000_000_001),
        Duration::from_secs(3600),
    ];
    lengths.iter().for_each(|length| histogram.observe(*length));
    let all = histogram.distribution();
    assert_eq!(all.count(), 6);
    assert_eq!(all.sum(), lengths.iter().sum());
    let found: Vec<_> = all.buckets().filter(|(_, count)| *count > 0).collect();
    assert_eq!(
        found,
        [
            (Some(Duration::from_micros(100)), 2),
            (Some(Duration::from_micros(250)), 1),
            (Some(Duration::from_secs(10)), 1),
            (None, 2),
        ]
    );
    assert!(
        all.buckets()
            .map(|(bound, _)| bound)
            .is_sorted_by_key(|b| b.unwrap_or(Duration::MAX))
    );
}

#[test]
fn lengths_that_are_too_long_are_cut() {
    let sum = Sum::new();
    sum.add(Duration::from_nanos(1));
    assert_eq!(sum.total(), Duration::from_nanos(1));
    let other = Sum::new();
    other.add(Duration::MAX);
    assert_eq!(other.total(), Duration::from_nanos(u64::MAX));
}

// ---- how long figures live ----

#[test]
fn figures_vanish_with_the_last_handle() {
    let _alone = alone();
    statistic! { struct ShortStatistic { done: Counter } }
    let one = ShortStatistic::new("one");
    let two = one.clone();
    one.done.add_one();
    drop(one);
    two.done.add_one();
    assert_eq!(lines::<ShortStatistic>(), ["ShortStatistic one done 2"]);
    drop(two);
    assert_eq!(lines::<ShortStatistic>(), [""; 0]);
    let next = ShortStatistic::new("next");
    assert_eq!(
        next.done.total(),
        0,
        "a place that was used before is clean"
    );
}

#[test]
fn what_is_dropped_meanwhile_is_left_out_and_not_kept_alive() {
    let _alone = alone();
    statistic! { struct GoingStatistic { a: Counter, b: Counter } }
    let mut instances: Vec<_> = ["0", "1", "2", "3"].map(GoingStatistic::new).into();
    let mut going = statistics().of_kind::<GoingStatistic>();
    assert_eq!(going.next().unwrap().to_string(), "GoingStatistic 0 a 0");
    drop(instances.remove(0));
    drop(instances.remove(1));
    let _late = GoingStatistic::new("late");
    let rest: Vec<_> = going.map(|figure| figure.to_string()).collect();
    assert_eq!(
        rest,
        [
            "GoingStatistic 0 b 0", // it was read with `a`
            "GoingStatistic 1 a 0",
            "GoingStatistic 1 b 0",
            "GoingStatistic 3 a 0",
            "GoingStatistic 3 b 0",
        ]
    );
    assert_eq!(lines::<GoingStatistic>().len(), 6);
}

#[test]
fn a_panic_while_figures_are_read_harms_nobody() {
    let _alone = alone();
    statistic! { struct PanickingStatistic { a: Counter } }
    let one = PanickingStatistic::new("one");
    for _ in 0..2 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let inside = PanickingStatistic::new("inside");
            inside.a.add_one();
            for figure in statistics().of_kind::<PanickingStatistic>() {
                assert_ne!(figure.name.as_deref(), Some("inside"), "for the test");
            }
        }));
        assert!(panicked.is_err());
    }
    one.a.add_one();
    assert_eq!(
        lines::<PanickingStatistic>(),
        ["PanickingStatistic one a 1"]
    );
}

#[test]
fn what_is_held_is_given_back_by_a_panic() {
    let running = Gauge::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _one = running.hold();
        let _two = running.hold();
        assert_eq!(running.value(), 0, "for the test");
    }));
    assert!(panicked.is_err());
    assert_eq!(running.value(), 0);
}

/// Instances are made, counted with and dropped by a destructor that runs when the thread's own
/// values are gone.
#[test]
fn destructors_of_a_thread_count_as_well() {
    let _alone = alone();
    statistic! { struct LateStatistic { done: Counter, sum: Sum, running: Gauge } }
    struct Late(Vec<Instance<LateStatistic>>);
    impl Drop for Late {
        fn drop(&mut self) {
            for statistic in &self.0 {
                statistic.done.add_one();
                statistic.sum.add(Duration::from_secs(1));
                statistic.running.add(1);
            }
            let own = LateStatistic::new("own");
            own.done.add(7);
            assert_eq!(own.done.total(), 7);
        }
    }
    thread_local! {
        static FIRST: RefCell<Option<Late>> = const { RefCell::new(None) };
        static LAST: RefCell<Option<Late>> = const { RefCell::new(None) };
    }
    let statistic = LateStatistic::new("shared");
    let counts = statistic.clone();
    let thread = thread::spawn(move || {
        // Around the place where the thread takes its lane, so that one of them is dropped after it.
        FIRST.set(Some(Late(vec![counts.clone()])));
        counts.done.add_one();
        LAST.set(Some(Late(vec![counts.clone()])));
    });
    thread.join().unwrap();
    assert_eq!(statistic.done.total(), 3);
    assert_eq!(statistic.sum.total(), Duration::from_secs(2));
    assert_eq!(statistic.running.value(), 2);
    assert_eq!(lines::<LateStatistic>().len(), 3, "`own` is gone");
}

#[test]
fn what_a_thread_counted_stays_when_it_ends() {
    let counter = Counter::new();
    for _ in 0..200 {
        thread::scope(|scope| {
            scope.spawn(|| counter.add_one());
        });
    }
    assert_eq!(counter.total(), 200);
}
