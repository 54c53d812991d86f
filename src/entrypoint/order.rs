//! Which service needs which, and whether that can be.

use std::collections::HashMap;
use std::sync::Arc;

use crate::service::{Need, ServiceCell};

/// Finds what each of these services needs, among them and those that run already; everything that
/// cannot be is added to the problems.
///
/// # Cost
///
/// Linear in the services and in what they need.
pub(super) fn settle(
    cells: &[Arc<ServiceCell>],
    running: &[Arc<ServiceCell>],
    problems: &mut Vec<String>,
) {
    if cells.iter().all(|cell| cell.options().needs.is_empty()) {
        return;
    }
    let index = Index::new(running.iter().chain(cells));
    for cell in cells {
        let mut needs = Vec::new();
        for need in &cell.options().needs {
            let found = index.find(need, cell);
            if found.is_empty() {
                problems.push(index.missing(need, cell));
            }
            needs.extend(found.into_iter().map(Arc::clone));
        }
        // Something may be named twice, or by name and by type.
        needs.sort_by_key(Arc::as_ptr);
        needs.dedup_by_key(|cell| Arc::as_ptr(cell));
        cell.set_needs(needs);
    }
    for cycle in cycles(cells) {
        let names: Vec<_> = cycle.iter().map(|cell| format!("`{}`", cell.name())).collect();
        problems.push(format!(
            "services need each other, so that none can be the first: {}",
            names.join(" needs ")
        ));
    }
}

struct Index<'a> {
    by_name: HashMap<&'a str, &'a Arc<ServiceCell>>,
    all: Vec<&'a Arc<ServiceCell>>,
}

impl<'a> Index<'a> {
    fn new(cells: impl Iterator<Item = &'a Arc<ServiceCell>>) -> Self {
        let all: Vec<_> = cells.collect();
        let by_name = all.iter().map(|cell| (&**cell.name(), *cell)).collect();
        Self { by_name, all }
    }

    fn find(&self, need: &Need, by: &Arc<ServiceCell>) -> Vec<&'a Arc<ServiceCell>> {
        match need {
            Need::Name(name) => self.by_name.get(&**name).copied().into_iter().collect(),
            Need::Type(kind, _) => self
                .all
                .iter()
                .filter(|cell| cell.kind() == *kind && !Arc::ptr_eq(cell, by))
                .copied()
                .collect(),
        }
    }

    fn missing(&self, need: &Need, by: &ServiceCell) -> String {
        const NAMED: usize = 10;

        let what = match need {
            Need::Name(name) => format!("`{name}`"),
            Need::Type(_, name) => format!("a service of the type {name}"),
        };
        let names = self.all.iter().map(|cell| format!("`{}`", cell.name()));
        let mut names: Vec<_> = names.take(NAMED).collect();
        if self.all.len() > NAMED {
            names.push("…".to_owned());
        }
        format!(
            "service `{}` needs {what}, which is not there; expected one of {}",
            by.name(),
            names.join(", ")
        )
    }
}

/// The circles among these services, each told once, from one of its members back to it.
fn cycles(cells: &[Arc<ServiceCell>]) -> Vec<Vec<&Arc<ServiceCell>>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnPath,
        Done,
    }

    let is_of_group =
        |cell: &Arc<ServiceCell>| cells.get(cell.place()).is_some_and(|c| Arc::ptr_eq(c, cell));
    let mut seen = vec![Seen::No; cells.len()];
    let mut found = Vec::new();
    for root in cells {
        if seen[root.place()] != Seen::No {
            continue;
        }
        // By hand, not by recursion: a chain may be as long as there are services.
        let mut path = vec![(root, 0)];
        seen[root.place()] = Seen::OnPath;
        while let Some((cell, next)) = path.last_mut() {
            let Some(need) = cell.needs().get(*next) else {
                seen[cell.place()] = Seen::Done;
                path.pop();
                continue;
            };
            *next += 1;
            if !is_of_group(need) {
                continue;
            }
            match seen[need.place()] {
                Seen::No => {
                    seen[need.place()] = Seen::OnPath;
                    path.push((need, 0));
                }
                Seen::OnPath => {
                    let on_circle = path.iter().map(|(cell, _)| *cell);
                    let mut circle: Vec<_> =
                        on_circle.skip_while(|cell| !Arc::ptr_eq(cell, need)).collect();
                    circle.push(need);
                    found.push(circle);
                }
                Seen::Done => {}
            }
        }
    }
    found
}
