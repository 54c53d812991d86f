//! Figures about what goes on in the program.
//!
//! The parts of this library count what they do, and [`statistic!`](crate::statistic) declares figures
//! of a program's own. [`statistics()`] gives all of them:
//!
//! ```
//! aiomisc::statistic! {
//!     /// What became of the jobs.
//!     pub struct JobStatistic {
//!         /// Jobs that were done.
//!         done: Counter,
//!         /// Jobs that wait.
//!         queue: Gauge,
//!         /// The time that the jobs took.
//!         sum_time: Sum,
//!     }
//! }
//!
//! let jobs = JobStatistic::new("night");
//! jobs.done.add_one();
//! jobs.sum_time.add(std::time::Duration::from_millis(250));
//!
//! for figure in aiomisc::statistics() {
//!     println!("{figure}"); // JobStatistic night sum_time 0.25
//! }
//! ```
//!
//! # What holds
//!
//! - No update is lost, on whatever thread it happens.
//! - An update takes a few nanoseconds, also where many threads update the same figure, and memory of
//!   eight bytes for each thread that does; see [`Counter`].
//! - Figures live as long as what they are about: nothing has to be removed, and nothing is left behind.
//! - They belong to the process, not to a runtime or an entrypoint.
//!
//! # Kinds
//!
//! | kind | of | figures |
//! |---|---|---|
//! | [`AggregateStatistic`](crate::aggregate::AggregateStatistic) | each [aggregator](mod@crate::aggregate) | `leeway_ms`, `max_count`, `calls`, `refused`, `success`, `error`, `done` |
//! | [`ContextStatistic`](crate::context::ContextStatistic) | each [`Context`](crate::Context) | `get`, `set` |
//! | [`PoolStatistic`](crate::pool::PoolStatistic) | each [`Pool`](crate::Pool) | `size`, `idle`, `in_use`, `waiting`, `acquired`, `timeouts`, `refused`, `created`, `create_errors`, `check_errors`, `destroyed`, `destroy_errors`, `wait_time` |
//! | [`ThreadPoolStatistic`](crate::thread::ThreadPoolStatistic) | each [`ThreadPool`](crate::thread::ThreadPool) | `threads`, `submitted`, `done`, `success`, `error`, `sum_time` |
//! | [`TimerStatistic`](crate::recurring::TimerStatistic) | each [timer](mod@crate::recurring) | `call_count`, `done`, `fail`, `suppressed`, `sum_time`, `missed`, `skipped` |
//! | [`IteratorStatistic`](crate::thread::iterate::IteratorStatistic) | each [iterator on a thread](mod@crate::thread::iterate) | `started`, `queue_size`, `queue_length`, `enqueued`, `yielded` |
//! | [`BackoffStatistic`](crate::retry::BackoffStatistic), [`RetryStatistic`](crate::retry::RetryStatistic) | each [`Backoff`](crate::retry::Backoff) and [`Retry`](crate::retry::Retry) | `calls`, `attempts`, `pauses`, `done`, `errors`, `failed`, `cancels`, `refused`, `sum_time`, `sum_pauses` |
//! | [`BulkheadStatistic`](crate::resilience::BulkheadStatistic) and its kin | each tool of [`resilience`](crate::resilience) | what it let through, and what not |
//! | [`CircuitBreakerStatistic`](crate::circuit_breaker::CircuitBreakerStatistic) | each [`CircuitBreaker`](crate::circuit_breaker::CircuitBreaker) | `call_count`, `call_passing`, `call_broken`, `call_recovering`, `call_recovering_ok`, `call_recovering_failed`, `success`, `failure`, `slow`, `neither`, `broken`, `error_ratio_threshold`, `error_ratio` |
//! | `LogStatistic` | each output of the log (feature `log`) | `threads`, `records`, `flushes`, `errors`, `lost` |

mod counter;
#[cfg(any(feature = "openmetrics", feature = "metrics"))]
mod family;
mod figure;
mod gauge;
mod histogram;
mod kind;
mod lane;
#[cfg(feature = "openmetrics")]
mod openmetrics;
#[cfg(feature = "metrics")]
mod publish;
mod registry;
mod sum;

pub use self::counter::Counter;
pub use self::figure::{Figure, Value};
pub use self::gauge::{FloatGauge, Gauge, Held};
pub use self::histogram::{Distribution, Histogram};
#[doc(hidden)]
pub use self::kind::Reader;
pub use self::kind::{Kind, Statistic};
#[cfg(feature = "openmetrics")]
pub use self::openmetrics::{OPENMETRICS_CONTENT_TYPE, OpenMetricsCollector, openmetrics};
#[cfg(feature = "metrics")]
pub use self::publish::publish_metrics;
pub use self::registry::{Instance, Statistics, statistics};
pub use self::sum::Sum;
