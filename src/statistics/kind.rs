use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use super::{Figure, Value};

/// A kind of figures, as [`statistic!`](crate::statistic) declares it; implemented by that alone.
pub trait Statistic: Default + Send + Sync + 'static {
    /// The kind.
    const KIND: &'static Kind;

    /// Tells all figures, those of the parent first.
    #[doc(hidden)]
    fn read(&self, to: &mut Reader<'_>);
}

/// What is known of a kind of figures.
pub struct Kind {
    name: &'static str,
    module: &'static str,
    id: TypeId,
    /// One, or none.
    parents: &'static [&'static Self],
}

impl Kind {
    #[doc(hidden)]
    #[must_use]
    pub const fn new<K: Statistic>(
        name: &'static str,
        module: &'static str,
        parents: &'static [&'static Self],
    ) -> Self {
        Self {
            name,
            module,
            id: TypeId::of::<K>(),
            parents,
        }
    }

    /// The name of its type.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The path of the module that declares it.
    #[must_use]
    pub fn module(&self) -> &'static str {
        self.module
    }

    /// The kind that it is a special case of, if there is one.
    #[must_use]
    pub fn parent(&self) -> Option<&'static Self> {
        self.parents.first().copied()
    }

    /// Whether it is this kind, or has it as its parent.
    #[must_use]
    pub fn is<K: Statistic>(&self) -> bool {
        self.id == K::KIND.id || self.parent().is_some_and(Self::is::<K>)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Kind {}

/// The name.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.module, self.name)
    }
}

/// Takes the figures of one instance.
#[doc(hidden)]
#[derive(Debug)]
pub struct Reader<'a> {
    kind: &'static Kind,
    name: Option<&'a Arc<str>>,
    figures: Vec<Figure>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(kind: &'static Kind, name: Option<&'a Arc<str>>) -> Self {
        Self {
            kind,
            name,
            figures: Vec::new(),
        }
    }

    pub fn add(&mut self, metric: &'static str, help: &'static str, value: Value) {
        self.figures.push(Figure {
            kind: self.kind,
            name: self.name.cloned(),
            metric: metric.strip_prefix("r#").unwrap_or(metric),
            help: help.trim(),
            value,
        });
    }

    pub(super) fn figures(self) -> Vec<Figure> {
        self.figures
    }
}

/// Declares a kind of figures.
///
/// ```
/// aiomisc::statistic! {
///     /// What the shop does.
///     pub struct ShopStatistic {
///         /// Orders that were taken.
///         pub orders: Counter,
///         /// Customers who are waiting.
///         pub waiting: Gauge,
///         /// The time that serving them took.
///         pub sum_time: Sum,
///     }
/// }
///
/// let shop = ShopStatistic::new("corner");
/// shop.orders.add_one();
/// shop.waiting.set(3);
///
/// let figures = aiomisc::statistics().of_kind::<ShopStatistic>();
/// let lines: Vec<_> = figures.map(|figure| figure.to_string()).collect();
/// assert_eq!(lines, [
///     "ShopStatistic corner orders 1",
///     "ShopStatistic corner waiting 3",
///     "ShopStatistic corner sum_time 0",
/// ]);
/// ```
///
/// This makes a struct with these fields, which are of the types [`Counter`], [`Gauge`],
/// [`FloatGauge`], [`Sum`] or [`Histogram`]; they need not be imported. Fields have the visibility that
/// they are written with, and no attributes but their documentation, which is also what a scraper is
/// told. It implements [`Statistic`], `Debug`, `Default` (figures that [`statistics()`] does not show),
/// and has two functions:
///
/// - `new(name: impl Into<Arc<str>>)`
/// - `unnamed()`
///
/// Both give an [`Instance`], whose figures `statistics()` shows as long as it, or a clone of it, lives.
///
/// [`Counter`]: crate::statistics::Counter
/// [`Gauge`]: crate::statistics::Gauge
/// [`FloatGauge`]: crate::statistics::FloatGauge
/// [`Sum`]: crate::statistics::Sum
/// [`Histogram`]: crate::statistics::Histogram
/// [`Statistic`]: crate::statistics::Statistic
/// [`Instance`]: crate::statistics::Instance
/// [`statistics()`]: crate::statistics()
///
/// # Parents
///
/// A kind can be a special case of another. It has the figures of that, too, and who asks for the
/// parent gets both:
///
/// ```
/// use aiomisc::statistic;
///
/// statistic! {
///     pub struct RequestStatistic { done: Counter }
/// }
/// statistic! {
///     pub struct UploadStatistic: RequestStatistic { bytes: Counter }
/// }
///
/// fn answer(figures: &RequestStatistic) {
///     figures.done.add_one();
/// }
///
/// let (requests, uploads) = (RequestStatistic::unnamed(), UploadStatistic::unnamed());
/// answer(&requests);
/// answer(&uploads);
/// uploads.bytes.add(512);
/// assert_eq!(uploads.done.total(), 1);
/// assert_eq!(aiomisc::statistics().of_kind::<RequestStatistic>().count(), 3);
/// ```
#[macro_export]
macro_rules! statistic {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $kind:ident $(: $parent:ty)? {
            $(
                $(#[doc = $help:literal])*
                $field_visibility:vis $field:ident: $metric:ident
            ),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Default)]
        #[non_exhaustive]
        $visibility struct $kind {
            $(__parent: $parent,)?
            $(
                $(#[doc = $help])*
                $field_visibility $field: $crate::statistics::$metric,
            )*
        }

        #[allow(dead_code, reason = "which of the two is used depends on whether there is a name")]
        impl $kind {
            /// Makes figures with a name, which `statistics()` shows as long as they live.
            #[must_use = "the figures vanish when this is dropped"]
            $visibility fn new(
                name: impl ::core::convert::Into<::std::sync::Arc<str>>,
            ) -> $crate::statistics::Instance<Self> {
                $crate::statistics::Instance::new(::core::option::Option::Some(name.into()))
            }

            /// Makes figures without a name, which `statistics()` shows as long as they live.
            #[must_use = "the figures vanish when this is dropped"]
            $visibility fn unnamed() -> $crate::statistics::Instance<Self> {
                $crate::statistics::Instance::new(::core::option::Option::None)
            }
        }

        impl $crate::statistics::Statistic for $kind {
            const KIND: &'static $crate::statistics::Kind = &$crate::statistics::Kind::new::<Self>(
                ::core::stringify!($kind),
                ::core::module_path!(),
                &[$(<$parent as $crate::statistics::Statistic>::KIND)?],
            );

            fn read(&self, to: &mut $crate::statistics::Reader<'_>) {
                $(<$parent as $crate::statistics::Statistic>::read(&self.__parent, to);)?
                $(
                    let value = $crate::statistics::Value::from(&self.$field);
                    to.add(::core::stringify!($field), ::core::concat!($($help),*), value);
                )*
            }
        }

        $(
            impl ::core::ops::Deref for $kind {
                type Target = $parent;

                fn deref(&self) -> &Self::Target {
                    &self.__parent
                }
            }
        )?
    };
}
