use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::needs;
use super::order::{self, Party};
use crate::dependency::Catalog;
use crate::error::{Chain, end_of_panic};
use crate::future::Panic;
use crate::runtime::Runtime;
use crate::service::{Service, ServiceCell, ServiceOptions};

/// Services that are to be started together, each with a name of its own and with what it needs.
pub(super) struct Roster {
    members: Vec<Member>,
    /// For each member, what it needs: places among those that run already, and then the members.
    needs: Vec<Vec<usize>>,
}

struct Member {
    name: Arc<str>,
    service: Arc<dyn Service>,
    options: ServiceOptions,
}

impl Roster {
    /// Settles names and needs beside the services that run already. All that is wrong is added to
    /// the problems.
    pub(super) fn new(
        services: Vec<Arc<dyn Service>>,
        running: &[Arc<ServiceCell>],
        catalog: &Catalog,
        problems: &mut Vec<String>,
    ) -> Self {
        let names = names(&services, running, problems);
        let members: Vec<_> = services
            .into_iter()
            .zip(names)
            .map(|(service, name)| {
                let options = ask(&name, "options", problems, || service.options());
                let options = options.unwrap_or_default();
                let wrong = options.problems().map(|problem| (&name, problem));
                problems
                    .extend(wrong.map(|(name, problem)| format!("service `{name}`: {problem}")));
                if let Some(Err(error)) = ask(&name, "check", problems, || service.check()) {
                    problems.push(format!("service `{name}`: {}", Chain(&*error)));
                }
                Member {
                    name,
                    service,
                    options,
                }
            })
            .collect();
        let those_there = running.iter().map(|cell| Party {
            name: cell.name(),
            kind: cell.kind(),
            needs: &[],
        });
        let those_new = members.iter().map(|member| Party {
            name: &member.name,
            kind: member.service.kind(),
            needs: &member.options.needs,
        });
        let parties: Vec<_> = those_there.chain(those_new).collect();
        let needs = order::settle(&parties, problems).split_off(running.len());
        let wanted = members.iter().map(|member| {
            let needs = member.options.dependencies.as_slice();
            (&*member.name, needs)
        });
        needs::check(wanted, catalog, problems);
        Self { members, needs }
    }

    /// Makes the services' cells, if nothing was wrong; `running` is as it was.
    pub(super) fn into_cells(
        self,
        runtime: &Runtime,
        running: &[Arc<ServiceCell>],
    ) -> Vec<Arc<ServiceCell>> {
        let now = runtime.now();
        let cells: Vec<_> = self
            .members
            .into_iter()
            .enumerate()
            .map(|(place, member)| {
                let Member {
                    name,
                    service,
                    options,
                } = member;
                ServiceCell::new(name, service, options, runtime, place, now)
            })
            .collect();
        for (cell, needs) in cells.iter().zip(self.needs) {
            let needs = needs.into_iter().map(|place| {
                let cell = running.get(place);
                Arc::clone(cell.unwrap_or_else(|| &cells[place - running.len()]))
            });
            cell.set_needs(needs.collect());
        }
        cells
    }
}

/// Asks a service about itself; its panic is a mistake like any other.
fn ask<T>(
    name: &str,
    what: &str,
    problems: &mut Vec<String>,
    ask: impl FnOnce() -> T,
) -> Option<T> {
    let answer = catch_unwind(AssertUnwindSafe(ask));
    let panic =
        |panic: Panic| format!("service `{name}`: {what} panicked: {}", end_of_panic(panic));
    answer.map_err(|p| problems.push(panic(p))).ok()
}

/// Gives every service a name of its own: those called after their type get numbers; equal names
/// that were given are a mistake.
fn names(
    services: &[Arc<dyn Service>],
    running: &[Arc<ServiceCell>],
    problems: &mut Vec<String>,
) -> Vec<Arc<str>> {
    let given: Vec<(Arc<str>, _)> = services
        .iter()
        .map(|service| {
            let type_name = service.type_name();
            let name = ask(type_name, "name", problems, || service.name().into());
            (name.unwrap_or_else(|| type_name.into()), type_name)
        })
        .collect();
    let mut taken: HashSet<Arc<str>> = running.iter().map(|cell| Arc::clone(cell.name())).collect();
    for (name, type_name) in &given {
        if name.is_empty() {
            problems.push(format!(
                "a service of the type {type_name} has an empty name"
            ));
        } else if **name != **type_name && !taken.insert(Arc::clone(name)) {
            problems.push(format!(
                "two services are called `{name}`: names must differ"
            ));
        }
    }
    let mut numbers: HashMap<&'static str, usize> = HashMap::new();
    let mut numbered = |name: Arc<str>, type_name| {
        let number = numbers.entry(type_name).or_default();
        loop {
            *number += 1;
            let name = match *number {
                1 => Arc::clone(&name),
                number => format!("{name}#{number}").into(),
            };
            if taken.insert(Arc::clone(&name)) {
                return name;
            }
        }
    };
    given
        .into_iter()
        .map(|(name, type_name)| match *name == *type_name {
            true => numbered(name, type_name),
            false => name,
        })
        .collect()
}
