use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::{Dependency, Wanted};

/// So many are named where something is missing.
const NAMED: usize = 10;

/// Who provides what.
#[derive(Clone, Default)]
pub(crate) struct Catalog {
    given: Vec<Dependency>,
    /// Those that count before all others.
    replaced: Vec<Dependency>,
    /// Made when something is looked for: most programs have nothing here.
    index: OnceLock<Index>,
}

type Index = HashMap<Wanted, Vec<Arc<Dependency>>>;

impl Catalog {
    pub(crate) fn give(&mut self, dependency: Dependency) {
        self.given.push(dependency);
    }

    pub(crate) fn replace(&mut self, dependency: Dependency) {
        self.replaced.push(dependency);
    }

    /// The one factory that makes this.
    ///
    /// # Errors
    ///
    /// Says that there is none, or more than one.
    pub(crate) fn find(&self, wanted: &Wanted) -> Result<&Arc<Dependency>, String> {
        match self.index().get(wanted).map(Vec::as_slice) {
            None | Some([]) => Err(self.missing()),
            Some([one]) => Ok(one),
            Some(several) => {
                let origins: Vec<_> = several.iter().map(|one| one.origin().to_string()).collect();
                Err(format!(
                    "it is provided more than once, by {}: names tell them apart, and \
                     `replace_dependency` puts one in the place of all",
                    origins.join(" and ")
                ))
            }
        }
    }

    /// What is wrong with those that were given.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        let all = self.given.iter().chain(&self.replaced);
        all.flat_map(Dependency::problems)
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let mut index = Index::new();
            for dependency in registered().into_iter().chain(self.given.iter().cloned()) {
                let of_kind = index.entry(dependency.wanted().clone()).or_default();
                of_kind.push(Arc::new(dependency));
            }
            for dependency in &self.replaced {
                let only = vec![Arc::new(dependency.clone())];
                index.insert(dependency.wanted().clone(), only);
            }
            index
        })
    }

    fn missing(&self) -> String {
        let mut names: Vec<_> = self.index().keys().map(ToString::to_string).collect();
        names.sort_unstable();
        if names.len() > NAMED {
            names.truncate(NAMED);
            names.push("…".to_owned());
        }
        let provided = match names.is_empty() {
            true => "nothing".to_owned(),
            false => names.join(", "),
        };
        format!(
            "nobody provides it, by `#[aiomisc::dependency]` (in a crate that the program's code names) or \
             `EntrypointBuilder::dependency`; provided is {provided}"
        )
    }
}

/// What stands under `#[dependency]`.
fn registered() -> Vec<Dependency> {
    #[cfg(feature = "macros")]
    return super::registry::all();
    #[allow(unreachable_code, reason = "reached without the feature `macros`")]
    Vec::new()
}
