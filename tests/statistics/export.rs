//! The figures for others: as text for a scraper, and for the recorder of the `metrics` facade.

use std::time::Duration;

use aiomisc::statistic;

/// What an export has to cope with.
mod hard {
    aiomisc::statistic! {
        /// Of this module.
        pub(super) struct ClashStatistic {
            /// Back\slash, "quotes".
            pub(super) done: Counter,
            /// As what the text makes of `done`.
            pub(super) done_total: Gauge,
            pub(super) wait_seconds: Sum,
        }
    }
}

statistic! {
    /// The same name, another type.
    struct ClashStatistic {
        done: Gauge,
    }
}

statistic! {
    /// What an HTTP server does.
    struct HTTPServerStatistic {
        /// Requests that were answered.
        answered: Counter,
        /// Requests at this moment.
        running: Gauge,
        /// The part that failed.
        error_ratio: FloatGauge,
        /// The time that they took.
        sum_time: Sum,
        /// How long they took.
        latency: Histogram,
    }
}

#[cfg(feature = "openmetrics")]
mod openmetrics {
    use aiomisc::statistics::{OPENMETRICS_CONTENT_TYPE, OpenMetricsCollector, openmetrics};
    use prometheus_client::encoding::text;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::registry::Registry;

    use super::*;

    /// The lines that have this in them: other tests have figures as well.
    fn lines_with(part: &str) -> Vec<String> {
        let _alone = crate::alone();
        let text = openmetrics();
        assert!(text.ends_with("# EOF\n"));
        let lines = text.lines().filter(|line| line.contains(part));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn every_value_has_its_form() {
        let one = HTTPServerStatistic::new("one");
        one.answered.add(3);
        one.running.set(-1);
        one.error_ratio.set(0.5);
        one.sum_time.add(Duration::from_millis(2250));
        one.latency.observe(Duration::from_micros(100));
        one.latency.observe(Duration::from_secs(60));
        let two = HTTPServerStatistic::unnamed();
        two.answered.add_one();
        let simple = lines_with("statistics_http_server_");
        let expected = "\
# HELP statistics_http_server_answered Requests that were answered.
# TYPE statistics_http_server_answered counter
statistics_http_server_answered_total 1
statistics_http_server_answered_total{name=\"one\"} 3
# HELP statistics_http_server_error_ratio The part that failed.
# TYPE statistics_http_server_error_ratio gauge
statistics_http_server_error_ratio 0.0
statistics_http_server_error_ratio{name=\"one\"} 0.5
# HELP statistics_http_server_latency_seconds How long they took.
# TYPE statistics_http_server_latency_seconds histogram
# UNIT statistics_http_server_latency_seconds seconds
";
        assert_eq!(simple[..11], expected.lines().collect::<Vec<_>>());
        let histogram: Vec<_> = simple
            .iter()
            .filter(|line| line.contains("latency_seconds_") && line.contains("\"one\""))
            .collect();
        assert_eq!(histogram.len(), 19);
        assert_eq!(
            histogram[0],
            "statistics_http_server_latency_seconds_sum{name=\"one\"} 60.0001"
        );
        assert_eq!(
            histogram[1],
            "statistics_http_server_latency_seconds_count{name=\"one\"} 2"
        );
        assert_eq!(
            histogram[2],
            "statistics_http_server_latency_seconds_bucket{le=\"0.0001\",name=\"one\"} 1"
        );
        assert_eq!(
            histogram[18],
            "statistics_http_server_latency_seconds_bucket{le=\"+Inf\",name=\"one\"} 2"
        );
        assert!(simple.contains(&"statistics_http_server_running{name=\"one\"} -1".to_owned()));
        assert!(
            simple.contains(&"# UNIT statistics_http_server_sum_time_seconds seconds".to_owned())
        );
        assert!(simple.contains(
            &"statistics_http_server_sum_time_seconds_total{name=\"one\"} 2.25".to_owned()
        ));
    }

    #[test]
    fn names_and_texts_cannot_break_the_page() {
        let inner = hard::ClashStatistic::new("a \"name\"\nwith\\all");
        let outer = ClashStatistic::new("outer");
        inner.done.add(1);
        inner.done_total.set(2);
        inner.wait_seconds.add(Duration::from_secs(4));
        outer.done.set(3);
        let lines = lines_with("statistics_clash_");
        let name = "name=\"a \\\"name\\\"\\nwith\\\\all\"";
        assert_eq!(
            lines,
            [
                "# HELP statistics_clash_done Back\\\\slash, \\\"quotes\\\".".to_owned(),
                "# TYPE statistics_clash_done counter".to_owned(),
                format!("statistics_clash_done_total{{{name}}} 1"),
                "# HELP statistics_clash_done_gauge ".to_owned(),
                "# TYPE statistics_clash_done_gauge gauge".to_owned(),
                "statistics_clash_done_gauge{name=\"outer\"} 3".to_owned(),
                "# HELP statistics_clash_done_total_gauge As what the text makes of `done`."
                    .to_owned(),
                "# TYPE statistics_clash_done_total_gauge gauge".to_owned(),
                format!("statistics_clash_done_total_gauge{{{name}}} 2"),
                "# HELP statistics_clash_wait_seconds ".to_owned(),
                "# TYPE statistics_clash_wait_seconds counter".to_owned(),
                "# UNIT statistics_clash_wait_seconds seconds".to_owned(),
                format!("statistics_clash_wait_seconds_total{{{name}}} 4.0"),
            ]
        );
    }

    #[test]
    fn instances_of_one_name_are_one_line() {
        statistic! {
            struct TwinStatistic {
                done: Counter,
                level: Gauge,
                ratio: FloatGauge,
                sum: Sum,
                took: Histogram,
            }
        }
        let twins: Vec<_> = (1..=3).map(|_| TwinStatistic::new("twin")).collect();
        for (number, twin) in (1_u32..).zip(&twins) {
            twin.done.add(u64::from(number));
            twin.level.set(i64::from(number) * 10);
            twin.ratio.set(f64::from(number));
            twin.sum.add(Duration::from_secs(u64::from(number)));
            twin.took.observe(Duration::from_secs(u64::from(number)));
        }
        let lines: Vec<_> = lines_with("statistics_twin_")
            .into_iter()
            .filter(|line| !line.starts_with('#') && !line.contains("bucket"))
            .map(|line| {
                line.replace("statistics_twin_", "")
                    .replace("{name=\"twin\"}", "")
            })
            .collect();
        let expected = [
            "done_total 6",
            "level 60",
            "ratio 3.0",
            "sum_seconds_total 6.0",
            "took_seconds_sum 6.0",
            "took_seconds_count 3",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_registry_can_have_our_figures_beside_its_own() {
        let _alone = crate::alone();
        statistic! { struct GuestStatistic { done: Counter } }
        let guest = GuestStatistic::unnamed();
        guest.done.add(2);
        let own = Counter::<u64>::default();
        own.inc();
        let mut registry = Registry::with_prefix("shop");
        registry.register("orders", "Orders", own);
        registry.register_collector(Box::new(OpenMetricsCollector::new()));
        let mut text = String::new();
        text::encode(&mut text, &registry).unwrap();
        assert!(text.contains("\nshop_orders_total 1\n"), "{text}");
        assert!(
            text.contains("\nshop_statistics_guest_done_total 2\n"),
            "{text}"
        );
        assert!(OPENMETRICS_CONTENT_TYPE.starts_with("application/openmetrics-text"));
    }
}

#[cfg(feature = "metrics")]
mod facade {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use aiomisc::statistics::publish_metrics;
    use metrics::{
        Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder,
        SharedString, Unit,
    };

    use super::*;

    /// Writes down what it is told.
    #[derive(Default)]
    struct Notes(Arc<Mutex<BTreeMap<String, String>>>);

    struct Note(String, Arc<Mutex<BTreeMap<String, String>>>);

    impl Note {
        fn set(&self, value: &str) {
            self.1.lock().unwrap().insert(self.0.clone(), value.into());
        }
    }

    impl CounterFn for Note {
        fn increment(&self, _: u64) {
            panic!("{} was counted twice", self.0);
        }

        fn absolute(&self, value: u64) {
            self.set(&value.to_string());
        }
    }

    impl GaugeFn for Note {
        fn increment(&self, _: f64) {
            panic!("{} was added to", self.0);
        }

        fn decrement(&self, _: f64) {
            panic!("{} was taken from", self.0);
        }

        fn set(&self, value: f64) {
            Self::set(self, &format!("{value:?}"));
        }
    }

    impl Notes {
        fn note(&self, kind: &str, key: &Key) -> Arc<Note> {
            let labels = key.labels().map(|l| format!(" {}={}", l.key(), l.value()));
            let key = format!("{kind} {}{}", key.name(), labels.collect::<String>());
            Arc::new(Note(key, Arc::clone(&self.0)))
        }

        fn describe(&self, key: &KeyName, unit: Option<Unit>, text: &SharedString) {
            let text = format!("{text} {unit:?}");
            let key = format!("help {}", key.as_str());
            self.0.lock().unwrap().insert(key, text);
        }
    }

    impl Recorder for Notes {
        fn describe_counter(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
            self.describe(&key, unit, &text);
        }

        fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
            self.describe(&key, unit, &text);
        }

        fn describe_histogram(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
            panic!("{} cannot be told", key.as_str());
        }

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.note("counter", key))
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(self.note("gauge", key))
        }

        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            panic!("{} cannot be told", key.name());
        }
    }

    #[test]
    fn the_recorder_is_told_of_every_figure() {
        let _alone = crate::alone();
        statistic! {
            struct FacadeStatistic {
                /// How often.
                done: Counter,
                level: Gauge,
                ratio: FloatGauge,
                /// How long.
                sum_time: Sum,
                took: Histogram,
            }
        }
        let named = FacadeStatistic::new("n");
        let unnamed = FacadeStatistic::unnamed();
        unnamed.done.add(7);
        named.level.set(-4);
        named.ratio.set(0.5);
        named.sum_time.add(Duration::from_millis(250));
        named.took.observe(Duration::from_micros(50));
        named.took.observe(Duration::from_secs(30));

        let notes = Notes::default();
        for round in 1..=2 {
            named.done.add_one();
            metrics::with_local_recorder(&notes, publish_metrics);
            let found = notes.0.lock().unwrap().clone();
            let says = |key: &str, value: &str| {
                let key = key.replacen(" - ", " statistics_facade_", 1);
                assert_eq!(found.get(&key).map(String::as_str), Some(value), "{key}");
            };
            says("counter - done name=n", &round.to_string());
            says("counter - done", "7");
            says("gauge - level name=n", "-4.0");
            says("gauge - ratio name=n", "0.5");
            says("gauge - sum_time_seconds name=n", "0.25");
            says("counter - took_seconds_count name=n", "2");
            says("gauge - took_seconds_sum name=n", "30.00005");
            says("counter - took_seconds_bucket name=n le=0.0001", "1");
            says("counter - took_seconds_bucket name=n le=10", "1");
            says("counter - took_seconds_bucket name=n le=+Inf", "2");
            says("help - done", "How often. None");
            says("help - sum_time_seconds", "How long. Some(Seconds)");
        }
    }

    #[test]
    fn without_a_recorder_nothing_happens() {
        let _alone = crate::alone();
        publish_metrics();
    }
}
