//! The page for scrapers, read by the parser of Prometheus's own client for Python: a reader of
//! OpenMetrics that refuses what is not to the letter.

use std::time::Duration;

use aiomisc::{Context, statistic};
use interop::{python, run};

/// Reads the page and prints what it has understood, one sample a line.
const READER: &str = r#"
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.buffer.read().decode("utf-8")):
    print("family", family.name, family.type, family.unit or "-", repr(family.documentation))
    for sample in family.samples:
        print("sample", sample.name, sorted(sample.labels.items()), float(sample.value))
"#;

fn read(page: &str) -> Vec<String> {
    let python = python();
    let python = python.to_str().expect("a plain path");
    let output = run(python, &["-c", READER], page.as_bytes());
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(str::to_owned).collect()
}

#[track_caller]
fn has(lines: &[String], line: &str) {
    assert!(
        lines.iter().any(|found| found == line),
        "{line}:\n{lines:#?}"
    );
}

/// It would not notice what follows if it took everything.
#[test]
#[should_panic(expected = "exit status: 1")]
fn the_reader_refuses_a_page_that_is_cut() {
    read("# TYPE a counter\na_total 1\n");
}

#[test]
fn the_page_of_the_example_is_understood() {
    let example = interop::example("statistics");
    let example = example.to_str().expect("a plain path");
    for runtime in ["smol", "tokio"] {
        let args = ["--runtime", runtime, "--format", "openmetrics"];
        let page = run(example, &args, b"").stdout;
        let lines = read(&String::from_utf8(page).expect("text"));
        has(
            &lines,
            "family statistics_packer_done counter - 'Parcels that were packed.'",
        );
        has(
            &lines,
            "sample statistics_packer_done_total [('name', 'left')] 3.0",
        );
        has(&lines, "sample aiomisc_context_set_total [] 1.0");
    }
}

mod other {
    aiomisc::statistic! {
        /// The name of another kind.
        pub struct HardStatistic {
            /// Back\slash, "quotes" and ünïcode.
            pub done: Counter,
            pub done_total: Gauge,
            pub done_created: Gauge,
            pub took: Histogram,
            pub took_seconds_bucket: Counter,
            pub größe: Gauge,
        }
    }
}

statistic! {
    struct HardStatistic {
        /// Of another type.
        done: Gauge,
        ratio: FloatGauge,
        sum_seconds: Sum,
    }
}

statistic! {
    struct HTTPStatistic: HardStatistic {}
}

#[test]
fn whatever_is_declared_the_page_is_well_formed() {
    let _contexts = [Context::new(), Context::new()];
    let hard = [
        other::HardStatistic::new("a \"name\"\nwith\\all, {in} it=é"),
        other::HardStatistic::new(""),
        other::HardStatistic::unnamed(),
        other::HardStatistic::unnamed(),
    ];
    for one in &hard {
        one.done.add(u64::from(u32::MAX));
        one.done_total.set(i64::MIN);
        one.done_created.set(-1);
        one.took_seconds_bucket.add_one();
        one.größe.set(7);
        for exponent in 0..20 {
            one.took.observe(Duration::from_nanos(1 << (2 * exponent)));
        }
    }
    let children = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        1e300,
        5e-324,
    ]
    .map(|ratio| {
        let child = HTTPStatistic::new(format!("{ratio:e}"));
        child.ratio.set(ratio);
        child.sum_seconds.add(Duration::from_nanos(1));
        child.done.set(i64::MAX);
        child
    });
    let lines = read(&aiomisc::statistics::openmetrics());
    has(
        &lines,
        "family statistics_hard_done counter - 'Back\\\\slash, \"quotes\" and ünïcode.'",
    );
    has(
        &lines,
        "sample statistics_hard_done_total [('name', 'a \"name\"\\nwith\\\\all, {in} it=é')] 4294967295.0",
    );
    has(&lines, "sample statistics_hard_done_total [] 8589934590.0");
    has(
        &lines,
        "sample statistics_hard_took_seconds_count [('name', '')] 20.0",
    );
    has(
        &lines,
        "sample statistics_hard_took_seconds_bucket [('le', '+Inf'), ('name', '')] 20.0",
    );
    has(
        &lines,
        "sample statistics_http_sum_seconds_total [('name', '1e300')] 1e-09",
    );
    has(&lines, "sample statistics_http_ratio [('name', 'inf')] inf");
    has(&lines, "sample aiomisc_context_get_total [] 0.0");
    let samples = lines.iter().filter(|line| line.starts_with("sample"));
    // Of `other`: 5 numbers and 17 buckets with count and sum, under 3 names; 6 children of 3 numbers;
    // and 2 of a context.
    assert_eq!(samples.count(), 3 * (5 + 19) + 6 * 3 + 2, "{lines:#?}");
    drop(children);
}
