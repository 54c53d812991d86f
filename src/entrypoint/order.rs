//! Which service needs which, and whether that can be.

use std::any::TypeId;
use std::collections::HashMap;

use crate::service::Need;

/// A service, as far as it matters here.
pub(super) struct Party<'a> {
    pub(super) name: &'a str,
    pub(super) kind: TypeId,
    pub(super) needs: &'a [Need],
}

/// Finds for each of these services the places of those that it needs. All that cannot be is added
/// to the problems: needs that nobody meets, and services that need each other in a circle.
///
/// # Cost
///
/// Linear in the services and in what they need.
pub(super) fn settle(parties: &[Party<'_>], problems: &mut Vec<String>) -> Vec<Vec<usize>> {
    let mut needs = vec![Vec::new(); parties.len()];
    if parties.iter().all(|party| party.needs.is_empty()) {
        return needs;
    }
    let index = Index::new(parties);
    for (place, party) in parties.iter().enumerate() {
        for need in party.needs {
            let before = needs[place].len();
            needs[place].extend(index.find(need, place));
            if needs[place].len() == before {
                problems.push(index.missing(need, party));
            }
        }
        // Something may be named twice, or by name and by type.
        needs[place].sort_unstable();
        needs[place].dedup();
    }
    for circle in circles(&needs) {
        let names: Vec<_> = circle
            .into_iter()
            .map(|place| format!("`{}`", parties[place].name))
            .collect();
        problems.push(format!(
            "services need each other, so that none can be the first: {}",
            names.join(" needs ")
        ));
    }
    needs
}

struct Index<'a> {
    parties: &'a [Party<'a>],
    by_name: HashMap<&'a str, usize>,
    by_type: HashMap<TypeId, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn new(parties: &'a [Party<'a>]) -> Self {
        let mut by_type: HashMap<_, Vec<_>> = HashMap::new();
        for (place, party) in parties.iter().enumerate() {
            by_type.entry(party.kind).or_default().push(place);
        }
        let places = parties.iter().enumerate();
        Self {
            parties,
            by_name: places.map(|(place, party)| (party.name, place)).collect(),
            by_type,
        }
    }

    fn find(&self, need: &Need, by: usize) -> Vec<usize> {
        match need {
            Need::Name(name) => self.by_name.get(&**name).copied().into_iter().collect(),
            Need::Type(kind, _) => {
                let of_type = self.by_type.get(kind).map_or(&[][..], Vec::as_slice);
                of_type
                    .iter()
                    .copied()
                    .filter(|place| *place != by)
                    .collect()
            }
        }
    }

    fn missing(&self, need: &Need, by: &Party<'_>) -> String {
        const NAMED: usize = 10;

        let what = match need {
            Need::Name(name) => format!("`{name}`"),
            Need::Type(_, name) => format!("another service of the type {name}"),
        };
        let others = self.parties.iter().filter(|party| party.name != by.name);
        let mut names: Vec<_> = others
            .take(NAMED)
            .map(|party| format!("`{}`", party.name))
            .collect();
        if self.parties.len() > NAMED + 1 {
            names.push("…".to_owned());
        }
        let names = match names.is_empty() {
            true => "there is no other one".to_owned(),
            false => format!("the others are {}", names.join(", ")),
        };
        format!(
            "service `{}` needs {what}, which is not there; {names}",
            by.name
        )
    }
}

/// The circles among these needs, each told once, from one of its members back to it. Depth-first
/// search (Tarjan, "Depth-first search and linear graph algorithms", 1972), by hand and not by
/// recursion: a chain may be as long as there are services.
pub(super) fn circles(needs: &[impl AsRef<[usize]>]) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnPath,
        Done,
    }

    let mut seen = vec![Seen::No; needs.len()];
    let mut found = Vec::new();
    for root in 0..needs.len() {
        if seen[root] != Seen::No {
            continue;
        }
        // The services from the root to the one that is looked at, and which need of each is next.
        let mut path = vec![(root, 0)];
        seen[root] = Seen::OnPath;
        while let Some((place, next)) = path.last_mut() {
            let Some(need) = needs[*place].as_ref().get(*next).copied() else {
                seen[*place] = Seen::Done;
                path.pop();
                continue;
            };
            *next += 1;
            match seen[need] {
                Seen::No => {
                    seen[need] = Seen::OnPath;
                    path.push((need, 0));
                }
                Seen::OnPath => {
                    let on_path = path.iter().map(|(place, _)| *place);
                    let circle = on_path.skip_while(|place| *place != need);
                    found.push(circle.chain([need]).collect());
                }
                Seen::Done => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle_names(given: &[(&str, &[&str])]) -> (Vec<Vec<usize>>, Vec<String>) {
        let needs: Vec<Vec<Need>> = given
            .iter()
            .map(|(_, needs)| {
                let needs = needs
                    .iter()
                    .map(|name| Need::Name((*name).to_owned().into()));
                needs.collect()
            })
            .collect();
        let parties: Vec<_> = given
            .iter()
            .zip(&needs)
            .map(|((name, _), needs)| Party {
                name,
                kind: TypeId::of::<()>(),
                needs,
            })
            .collect();
        let mut problems = Vec::new();
        let needs = settle(&parties, &mut problems);
        (needs, problems)
    }

    #[test]
    fn needs_are_found_in_any_order() {
        let (needs, problems) = settle_names(&[
            ("web", &["cache", "db", "db"]),
            ("cache", &["db"]),
            ("db", &[]),
        ]);
        assert_eq!(needs, [vec![1, 2], vec![2], vec![]]);
        assert_eq!(problems, [] as [&str; 0]);
    }

    #[test]
    fn every_circle_and_every_gap_is_named() {
        let (_, problems) = settle_names(&[
            ("a", &["b"]),
            ("b", &["c"]),
            ("c", &["a"]),
            ("self", &["self"]),
            ("lost", &["nowhere", "a"]),
        ]);
        let needs = "services need each other, so that none can be the first: ";
        assert_eq!(
            problems,
            [
                "service `lost` needs `nowhere`, which is not there; the others are `a`, `b`, `c`, \
                 `self`"
                    .to_owned(),
                format!("{needs}`a` needs `b` needs `c` needs `a`"),
                format!("{needs}`self` needs `self`"),
            ]
        );
    }

    #[test]
    fn a_long_chain_is_no_trouble() {
        let needs: Vec<Vec<usize>> = (0..100_000)
            .map(|place| if place == 0 { vec![] } else { vec![place - 1] })
            .collect();
        assert!(circles(&needs).is_empty());
        let mut circle = needs;
        circle[0] = vec![99_999];
        assert_eq!(circles(&circle).len(), 1);
    }
}
