//! Plugins, gathered by the linker.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use linkme::distributed_slice;

use crate::error::{BoxError, Chain, end_of_panic};

/// Every plugin of this program.
#[distributed_slice]
pub static PLUGINS: [Plugin];

/// Something that extends the program; from [`plugin!`](crate::plugin).
pub struct Plugin {
    name: &'static str,
    doc: &'static str,
    module: &'static str,
    setup: fn() -> Result<(), BoxError>,
}

impl Plugin {
    /// What the macro expands to.
    #[doc(hidden)]
    #[must_use]
    pub const fn __new(
        name: &'static str,
        doc: &'static str,
        module: &'static str,
        setup: fn() -> Result<(), BoxError>,
    ) -> Self {
        Self {
            name,
            doc,
            module,
            setup,
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it does.
    #[must_use]
    pub fn doc(&self) -> &'static str {
        self.doc
    }

    /// The path of the module that it stands in.
    #[must_use]
    pub fn module(&self) -> &'static str {
        self.module
    }

    /// Its panic is its error.
    fn set_up(&self) -> Result<(), String> {
        let Self { name, module, .. } = self;
        // The text of its error is the plugin's code as well.
        let setup = || (self.setup)().map_err(|error| format!("failed: {}", Chain(&*error)));
        let done = catch_unwind(AssertUnwindSafe(setup))
            .unwrap_or_else(|panic| Err(format!("panicked: {}", end_of_panic(panic))));
        done.map_err(|why| format!("plugin `{name}` of {module}: setup {why}"))
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.name)
            .field("module", &self.module)
            .finish_non_exhaustive()
    }
}

/// The plugins that are linked into the program, by their names; whether they are set up or not.
#[must_use]
pub fn all() -> Vec<&'static Plugin> {
    sorted(PLUGINS.iter())
}

fn sorted<'a>(plugins: impl Iterator<Item = &'a Plugin>) -> Vec<&'a Plugin> {
    let mut plugins: Vec<_> = plugins.collect();
    plugins.sort_by_key(|plugin| (plugin.name, plugin.module));
    plugins
}

thread_local! {
    /// Whether this thread is in a plugin's `setup`.
    static IN_SETUP: Cell<bool> = const { Cell::new(false) };
}

/// Sets up all of them, once in the life of the program; gives what is wrong, also when that was found
/// earlier. Another thread that is at it is waited for.
pub(crate) fn set_up() -> &'static [String] {
    static PROBLEMS: OnceLock<Vec<String>> = OnceLock::new();
    static NESTED: OnceLock<Vec<String>> = OnceLock::new();

    if IN_SETUP.get() {
        let nested = "plugins: an entrypoint cannot be run by a plugin's `setup`";
        return NESTED.get_or_init(|| vec![nested.to_owned()]);
    }
    PROBLEMS.get_or_init(|| {
        IN_SETUP.set(true);
        let problems = set_up_these(&all());
        IN_SETUP.set(false);
        problems
    })
}

/// In this order; those with one name are next to each other.
fn set_up_these(plugins: &[&Plugin]) -> Vec<String> {
    let mut problems = Vec::new();
    for pair in plugins.windows(2) {
        if let [one, other] = pair
            && one.name == other.name
        {
            problems.push(format!(
                "two plugins are called `{}`, those of {} and {}: names must differ",
                one.name, one.module, other.module
            ));
        }
    }
    for plugin in plugins.iter().filter(|plugin| plugin.name.is_empty()) {
        problems.push(format!("the plugin of {} has an empty name", plugin.module));
    }
    if problems.is_empty() {
        problems.extend(plugins.iter().filter_map(|plugin| plugin.set_up().err()));
    }
    problems
}

/// What a `setup` may return: nothing, or a result.
#[diagnostic::on_unimplemented(
    message = "the `setup` of a plugin returns `()` or a `Result<(), E>`, and not `{Self}`",
    label = "`E` is any error that goes into a `BoxError`"
)]
pub trait SetUp {
    /// As a result.
    ///
    /// # Errors
    ///
    /// The function's.
    fn outcome(self) -> Result<(), BoxError>;
}

impl SetUp for () {
    fn outcome(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> SetUp for Result<(), E> {
    fn outcome(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(name: &'static str, setup: fn() -> Result<(), BoxError>) -> Plugin {
        Plugin::__new(name, "", "here", setup)
    }

    #[test]
    fn they_are_set_up_by_name_and_one_that_fails_keeps_no_other_from_it() {
        thread_local! {
            static SET_UP: Cell<u8> = const { Cell::new(0) };
        }
        let plugins = [
            plugin("c", || {
                assert_eq!(SET_UP.replace(3), 2);
                Ok(())
            }),
            plugin("b", || {
                SET_UP.set(2);
                panic!("what now");
            }),
            plugin("a", || {
                assert_eq!(SET_UP.replace(1), 0);
                Err(fmt::Error.into())
            }),
        ];
        let problems = set_up_these(&sorted(plugins.iter()));
        assert_eq!(
            problems,
            [
                format!("plugin `a` of here: setup failed: {}", fmt::Error),
                "plugin `b` of here: setup panicked: what now".to_owned(),
            ]
        );
        assert_eq!(SET_UP.get(), 3);
    }

    #[test]
    fn an_error_that_cannot_be_told_is_a_panic() {
        #[derive(Debug)]
        struct Untold;
        impl fmt::Display for Untold {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("no words")
            }
        }
        impl std::error::Error for Untold {}
        assert_eq!(
            set_up_these(&[&plugin("a", || Err(Untold.into()))]),
            ["plugin `a` of here: setup panicked: no words"]
        );
    }

    #[test]
    fn names_differ_or_nothing_is_set_up() {
        let never: fn() -> Result<(), BoxError> = || panic!("not called");
        let one = Plugin::__new("same", "", "one", never);
        let other = Plugin::__new("same", "", "other", never);
        let nameless = plugin("", never);
        assert_eq!(
            set_up_these(&sorted([&other, &nameless, &one].into_iter())),
            [
                "two plugins are called `same`, those of one and other: names must differ",
                "the plugin of here has an empty name",
            ]
        );
    }
}
