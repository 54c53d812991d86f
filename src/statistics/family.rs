//! What exporters need: the figures by name, with those of instances that nothing tells apart taken
//! together.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::{Figure, Value, statistics};

/// All figures of one name.
pub(super) struct Family {
    /// Without a unit, and without what the form appends.
    pub(super) name: String,
    pub(super) help: &'static str,
    pub(super) form: Form,
    /// By the name of the instance.
    pub(super) samples: BTreeMap<Option<Arc<str>>, Value>,
}

/// What the values of a family are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    Counter,
    /// Whole or not.
    Gauge,
    /// A counter of seconds.
    Sum,
    /// Of seconds.
    Histogram,
}

/// Gives all figures, by name; no two families have names that a scraper would take for the same.
pub(super) fn families() -> Vec<Family> {
    let mut families = BTreeMap::new();
    for figure in statistics() {
        let form = Form::of(&figure.value);
        let name = name_of(&figure, form);
        let family = families
            .entry((name, form))
            .or_insert_with_key(|(name, form)| Family {
                name: name.clone(),
                help: figure.help,
                form: *form,
                samples: BTreeMap::new(),
            });
        match family.samples.get_mut(&figure.name) {
            Some(value) => merge(value, &figure.value),
            None => drop(family.samples.insert(figure.name, figure.value)),
        }
    }
    let mut families: Vec<_> = families.into_values().collect();
    let mut taken = HashSet::new();
    for family in &mut families {
        family.find_name(&mut taken);
    }
    families
}

impl Family {
    /// Changes the name until it is free: two modules may have a kind of the same name, and fields can
    /// be called as the names that the text makes of others.
    fn find_name(&mut self, taken: &mut HashSet<String>) {
        loop {
            let unit = self.form.unit();
            let suffixes = self.form.suffixes().iter();
            let names: Vec<_> = suffixes
                .map(|s| format!("{}{unit}{s}", self.name))
                .collect();
            if names.iter().all(|name| !taken.contains(name)) {
                taken.extend(names);
                return;
            }
            self.name.push_str(self.form.word());
        }
    }
}

impl Form {
    fn of(value: &Value) -> Self {
        match value {
            Value::Counter(_) => Self::Counter,
            Value::Gauge(_) | Value::Float(_) => Self::Gauge,
            Value::Sum(_) => Self::Sum,
            Value::Histogram(_) => Self::Histogram,
        }
    }

    /// What the names end with, before the suffix.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Counter | Self::Gauge => "",
            Self::Sum | Self::Histogram => "_seconds",
        }
    }

    /// The names that belong to a family, written or not.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter | Self::Sum => &["", "_total", "_created"],
            Self::Gauge => &[""],
            Self::Histogram => &["", "_bucket", "_count", "_sum", "_created"],
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Counter => "_counter",
            Self::Gauge => "_gauge",
            Self::Sum => "_sum",
            Self::Histogram => "_histogram",
        }
    }
}

/// Takes two instances together that nothing tells apart: numbers are added, and of two numbers with a
/// fraction, which may be ratios, the younger counts.
fn merge(value: &mut Value, other: &Value) {
    match (value, other) {
        (Value::Counter(count), Value::Counter(more)) => *count = count.wrapping_add(*more),
        (Value::Gauge(value), Value::Gauge(more)) => *value = value.wrapping_add(*more),
        (Value::Sum(sum), Value::Sum(more)) => *sum = sum.saturating_add(*more),
        (Value::Histogram(all), Value::Histogram(more)) => all.merge(more),
        (value, other) => *value = other.clone(),
    }
}

/// `aiomisc_context_get`: the crate, the kind, the metric; a suffix that the form appends is left out.
fn name_of(figure: &Figure, form: Form) -> String {
    let module = figure.kind.module();
    let parts = [
        module.split("::").next().unwrap_or(module).to_owned(),
        snake_case(figure.kind.name()),
        figure.metric.to_owned(),
    ];
    let mut name = parts.join("_");
    for suffix in ["_total", "_seconds"] {
        let appended = match form {
            Form::Counter => suffix == "_total",
            Form::Gauge => false,
            Form::Sum => true,
            Form::Histogram => suffix == "_seconds",
        };
        if appended && name.ends_with(suffix) {
            name.truncate(name.len() - suffix.len());
        }
    }
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// `TcpServerStatistic` as `tcp_server`.
fn snake_case(kind: &str) -> String {
    let kind = match kind.strip_suffix("Statistic") {
        None | Some("") => kind,
        Some(kind) => kind,
    };
    let letters: Vec<char> = kind.chars().collect();
    let mut name = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let small = |letter: &char| !letter.is_uppercase() && *letter != '_';
        let begins = letter.is_uppercase()
            && at > 0
            && (small(&letters[at - 1])
                || letters[at - 1] != '_' && letters.get(at + 1).is_some_and(small));
        if begins {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_written_in_small_letters() {
        for (kind, name) in [
            ("ContextStatistic", "context"),
            ("TcpServerStatistic", "tcp_server"),
            ("HTTPServerStatistic", "http_server"),
            ("Http2Statistic", "http2"),
            ("Statistic", "statistic"),
            ("Jobs", "jobs"),
            ("snake_Case", "snake_case"),
            ("X", "x"),
        ] {
            assert_eq!(snake_case(kind), name);
        }
    }
}
