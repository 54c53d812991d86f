use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::service::Service;

/// Gives every service a name of its own: those called after their type get numbers; equal names
/// that were given are a mistake.
pub(super) fn name_services(
    services: Vec<Arc<dyn Service>>,
    problems: &mut Vec<String>,
) -> Vec<(Arc<str>, Arc<dyn Service>)> {
    let given: Vec<(Arc<str>, _)> = services
        .iter()
        .map(|service| (service.name().into(), service.type_name()))
        .collect();
    let mut taken = HashSet::with_capacity(given.len());
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
    for (service, (name, _)) in services.iter().zip(&given) {
        let options = service.options();
        problems.extend(
            options
                .problems()
                .map(|problem| format!("service `{name}`: {problem}")),
        );
        if let Err(error) = service.check() {
            problems.push(format!(
                "service `{name}`: {}",
                crate::error::Chain(&*error)
            ));
        }
    }
    let mut numbers: HashMap<&'static str, usize> = HashMap::new();
    services
        .into_iter()
        .zip(given)
        .map(|(service, (name, type_name))| {
            if *name != *type_name {
                return (name, service);
            }
            let number = numbers.entry(type_name).or_default();
            loop {
                *number += 1;
                let name = match *number {
                    1 => Arc::clone(&name),
                    number => format!("{name}#{number}").into(),
                };
                if taken.insert(Arc::clone(&name)) {
                    return (name, service);
                }
            }
        })
        .collect()
}
