//! Names and values that nobody would choose, in every place where a record of JSON has a text.

use std::sync::OnceLock;

use aiomisc::log::format::Json;
use serde_json::Value as Parsed;
use tracing::callsite::{Callsite, Identifier};
use tracing::field::{FieldSet, Value};
use tracing::metadata::{Kind, Level, Metadata};
use tracing::subscriber::Interest;
use tracing::{Event, Span};

use super::tools::written;
use texts::{Random, rounds};

#[path = "../shared/dice.rs"]
mod dice;
#[path = "../log_formats/random.rs"]
mod texts;

/// A place in the program that no macro would make.
struct Site(OnceLock<Metadata<'static>>);

impl Callsite for Site {
    fn set_interest(&self, _: Interest) {}
    fn metadata(&self) -> &Metadata<'_> {
        self.0.get().expect("it is made with its data")
    }
}

const FIELDS: usize = 4;

fn text(random: &mut Random) -> &'static str {
    const NAMES: [&str; 8] = [
        "pid",
        "pid_",
        "errno",
        "spans",
        "msg",
        "backtrace",
        "\"",
        "\\",
    ];
    match random.below(3) {
        0 => NAMES[random.below(NAMES.len())],
        _ => random.text().leak(),
    }
}

fn site(random: &mut Random, kind: Kind) -> &'static Metadata<'static> {
    let site: &'static Site = Box::leak(Box::new(Site(OnceLock::new())));
    let mut names = Vec::new();
    while names.len() < FIELDS {
        let name = text(random);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let fields = FieldSet::new(names.leak(), Identifier(site));
    let (name, target) = (text(random), text(random));
    let (file, module) = (text(random), text(random));
    let line = random.below(1000) as u32;
    site.0.get_or_init(|| {
        Metadata::new(
            name,
            target,
            Level::INFO,
            Some(file),
            Some(line),
            Some(module),
            fields,
            kind,
        )
    })
}

/// Calls with the fields of the place and these values.
fn with_values<R>(
    metadata: &'static Metadata<'static>,
    values: [&dyn Value; FIELDS],
    call: impl FnOnce(&tracing::field::ValueSet<'_>) -> R,
) -> R {
    let mut fields = metadata.fields().iter();
    let pairs = values.map(|value| (fields.next().expect("as many"), Some(value)));
    let pairs = pairs.each_ref().map(|(field, value)| (field, *value));
    call(&metadata.fields().value_set(&pairs))
}

#[test]
fn every_record_is_one_line_of_json_without_a_key_twice() {
    for seed in 1..=rounds(300) {
        let mut random = Random::new(seed);
        let (of_span, of_event) = (
            site(&mut random, Kind::SPAN),
            site(&mut random, Kind::EVENT),
        );
        let texts = [random.text(), random.text()];
        let numbers = [f64::NAN, f64::INFINITY, -0.0, f64::MIN_POSITIVE, 1e300];
        let number = numbers[random.below(numbers.len())];
        let values: [&dyn Value; FIELDS] = [
            &texts[0],
            &number,
            &texts[1].as_bytes(),
            &tracing::field::debug(&texts),
        ];
        let line = written(Json::new(), || {
            let span = with_values(of_span, values, |values| Span::new(of_span, values));
            let _span = span.entered();
            with_values(of_event, values, |values| Event::dispatch(of_event, values));
        });
        let record: Parsed = serde_json::from_str(&line).unwrap_or_else(|error| {
            panic!("seed {seed}: {error}: {line}");
        });
        assert_eq!(line.matches('\n').count(), 1, "seed {seed}: {line}");
        // A reader keeps one of two; what is written again from it is shorter then.
        let keys = |text: &str| text.matches("\":").count();
        assert_eq!(
            keys(&line),
            keys(&record.to_string()),
            "seed {seed}: {line}"
        );
        let fields = &record["@fields"];
        assert_eq!(fields["identifier"], of_event.target(), "seed {seed}");
        assert_eq!(fields["spans"][0], of_span.name(), "seed {seed}");
    }
}
