//! What services need of the dependencies, and whether that can be.

use std::collections::HashMap;

use super::order;
use crate::dependency::{Catalog, Wanted};

/// Adds to the problems what these services need and cannot have, as far as it is declared: values that
/// nobody provides, and those that need each other in a circle.
///
/// # Cost
///
/// Nothing for services that need nothing, else linear in the needs.
pub(super) fn check<'a>(
    services: impl Iterator<Item = (&'a str, &'a [Wanted])>,
    catalog: &'a Catalog,
    problems: &mut Vec<String>,
) {
    let mut search = Search {
        catalog,
        places: HashMap::new(),
        found: Vec::new(),
    };
    for (service, needs) in services {
        for need in needs {
            search.follow(service, need, problems);
        }
    }
    let needs: Vec<_> = search.found.iter().map(|found| &*found.needs).collect();
    for circle in order::circles(&needs) {
        let names = circle
            .into_iter()
            .map(|at| search.found[at].wanted.to_string());
        problems.push(format!(
            "dependencies need each other, so that none can be the first: {}",
            names.collect::<Vec<_>>().join(" needs ")
        ));
    }
}

struct Search<'a> {
    catalog: &'a Catalog,
    places: HashMap<&'a Wanted, usize>,
    found: Vec<Found<'a>>,
}

/// Something that is needed, directly or not.
struct Found<'a> {
    wanted: &'a Wanted,
    /// Who was found to need it first, if that is no service.
    by: Option<usize>,
    needs: Vec<usize>,
    /// Why it cannot be had.
    missing: Option<String>,
}

impl<'a> Search<'a> {
    /// Breadth first: the chains that are told are the shortest.
    fn follow(&mut self, service: &str, need: &'a Wanted, problems: &mut Vec<String>) {
        let mut at = self.found.len();
        let place = self.place(need, None);
        if place < at {
            // What is behind it was told when it was found.
            if let Some(why) = &self.found[place].missing {
                problems.push(format!("service `{service}` needs {need}: {why}"));
            }
            return;
        }
        while let Some(found) = self.found.get(at) {
            match self.catalog.find(found.wanted) {
                Ok(dependency) => {
                    for need in dependency.needed() {
                        let place = self.place(need, Some(at));
                        self.found[at].needs.push(place);
                    }
                }
                Err(why) => {
                    let chain = self.chain(at).join(", which needs ");
                    problems.push(format!("service `{service}` needs {chain}: {why}"));
                    self.found[at].missing = Some(why);
                }
            }
            at += 1;
        }
    }

    fn place(&mut self, wanted: &'a Wanted, by: Option<usize>) -> usize {
        *self.places.entry(wanted).or_insert_with(|| {
            self.found.push(Found {
                wanted,
                by,
                needs: Vec::new(),
                missing: None,
            });
            self.found.len() - 1
        })
    }

    /// From what the service needs to this.
    fn chain(&self, at: usize) -> Vec<String> {
        let up = std::iter::successors(Some(at), |at| self.found[*at].by);
        let mut names: Vec<_> = up.map(|at| self.found[at].wanted.to_string()).collect();
        names.reverse();
        names
    }
}
