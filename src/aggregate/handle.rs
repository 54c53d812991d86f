use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use super::builder::AggregatorBuilder;
use super::engine::Engine;
use super::error::AggregateError;
use super::statistic::AggregateStatistic;

/// Gathers calls with a value `V` each into batches, whose function gives results `R` by position, or an error
/// `E` of all. A handle: cloning it is cheap.
///
/// The [module](super) says what holds and has an example; [`AggregatorBuilder`] has the options. On each
/// runtime there is one batch at a time that gathers calls, or one for each
/// [key](AggregatorBuilder::build_by_key) `K`.
pub struct Aggregator<V, R, E, K = ()> {
    pub(super) engine: Arc<Engine<V, R, E, K>>,
}

/// As [`Aggregator`], with a function that sets the result of each call, or its own error, when it has it.
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use aiomisc::aggregate::AggregateError;
/// use aiomisc::{Aggregator, Arg};
///
/// # aiomisc::adapters::Smol::new().block_on(async {
/// let halves = Aggregator::builder().build_async(
///     |numbers: Vec<Arg<u32, u32, String>>| async move {
///         for number in numbers {
///             let result = match number.value % 2 {
///                 0 => Ok(number.value / 2),
///                 _ => Err(format!("{} is odd", number.value)),
///             };
///             // Its caller may have gone.
///             let _ = number.sender.send(result);
///         }
///     },
/// )?;
/// let (four, five) = futures::join!(halves.call(4), halves.call(5));
/// assert_eq!(four.expect("it is even"), 2);
/// assert!(matches!(five, Err(AggregateError::Own(why)) if why == "5 is odd"));
/// # Ok::<(), aiomisc::BoxError>(())
/// # }).expect("it works"); }
/// ```
pub struct AggregatorAsync<V, R, E, K = ()> {
    pub(super) engine: Arc<Engine<V, R, E, K>>,
}

impl Aggregator<(), (), ()> {
    /// Begins one with its options.
    pub fn builder() -> AggregatorBuilder {
        AggregatorBuilder::new()
    }
}

macro_rules! handle {
    ($handle:ident) => {
        impl<V, R, E, K> $handle<V, R, E, K>
        where
            V: Send + 'static,
            R: Send + 'static,
            E: Send + Sync + 'static,
            K: Eq + Hash + Clone + Send + 'static,
        {
            /// Has a value worked on, together with others.
            ///
            /// # Errors
            ///
            /// [`AggregateError`] says which there are.
            ///
            /// # Panics
            ///
            /// With the panic of the function that makes the key.
            ///
            /// # Cancel safety
            ///
            /// Dropped before the batch has begun, the value is left out; after that its result is dropped.
            ///
            /// # Cost
            ///
            /// Two short locks for joining and one for the result, and a look for the runtime; some allocations
            /// and a timer for each batch.
            pub async fn call(&self, value: V) -> Result<R, AggregateError<E>> {
                self.engine.call(value).await
            }

            /// The figures.
            #[must_use]
            pub fn statistics(&self) -> &AggregateStatistic {
                &self.engine.statistic
            }
        }

        impl<V, R, E, K> Clone for $handle<V, R, E, K> {
            fn clone(&self) -> Self {
                Self {
                    engine: Arc::clone(&self.engine),
                }
            }
        }

        impl<V, R, E, K> fmt::Debug for $handle<V, R, E, K> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($handle))
                    .field("name", &self.engine.statistic.name())
                    .finish_non_exhaustive()
            }
        }
    };
}

handle!(Aggregator);
handle!(AggregatorAsync);
