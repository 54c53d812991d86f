//! Ours and its peers in turns, judged by the ratios of each round.

use std::fmt;

/// What a figure may be, to be good enough.
#[derive(Clone, Copy)]
pub enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

impl Bar {
    fn verdict(self, value: f64) -> &'static str {
        let met = match self {
            Self::AtMost(bar) => value <= bar,
            Self::AtLeast(bar) => value >= bar,
        };
        if met { "met" } else { "missed" }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bar) => write!(f, "<={bar}"),
            Self::AtLeast(bar) => write!(f, ">={bar}"),
        }
    }
}

/// One of the figures that a run gives.
#[derive(Clone, Copy)]
pub struct Metric {
    /// What is put behind the job's name.
    pub suffix: &'static str,
    pub unit: &'static str,
}

/// Several implementations of one job.
pub struct Contest<'a, const N: usize> {
    job: String,
    metrics: [Metric; N],
    absolute: [Option<Bar>; N],
    entries: Vec<Entry<'a, N>>,
}

struct Entry<'a, const N: usize> {
    name: String,
    bars: [Option<Bar>; N],
    run: Box<dyn FnMut() -> [f64; N] + 'a>,
    values: Vec<[f64; N]>,
}

impl<'a> Contest<'a, 1> {
    /// A job with one figure; `ours` is the first implementation.
    pub fn new(
        job: impl Into<String>,
        unit: &'static str,
        mut ours: impl FnMut() -> f64 + 'a,
    ) -> Self {
        Self::with_metrics(job, [Metric { suffix: "", unit }], move || [ours()])
    }

    /// A bar on our own figure, beside which the peers are only for orientation.
    pub fn within(mut self, bar: Bar) -> Self {
        self.absolute = [Some(bar)];
        self
    }

    pub fn peer(self, name: impl Into<String>, mut run: impl FnMut() -> f64 + 'a) -> Self {
        self.entry(name, [None], move || [run()])
    }

    /// A peer that ours is held against.
    pub fn rival(
        self,
        name: impl Into<String>,
        bar: Bar,
        mut run: impl FnMut() -> f64 + 'a,
    ) -> Self {
        self.entry(name, [Some(bar)], move || [run()])
    }
}

impl<'a, const N: usize> Contest<'a, N> {
    pub fn with_metrics(
        job: impl Into<String>,
        metrics: [Metric; N],
        ours: impl FnMut() -> [f64; N] + 'a,
    ) -> Self {
        let new = Self {
            job: job.into(),
            metrics,
            absolute: [None; N],
            entries: Vec::new(),
        };
        new.entry("ours", [None; N], ours)
    }

    /// Bars on our own figures.
    pub fn within_all(mut self, bars: [Option<Bar>; N]) -> Self {
        self.absolute = bars;
        self
    }

    pub fn entry(
        mut self,
        name: impl Into<String>,
        bars: [Option<Bar>; N],
        run: impl FnMut() -> [f64; N] + 'a,
    ) -> Self {
        self.entries.push(Entry {
            name: name.into(),
            bars,
            run: Box::new(run),
            values: Vec::new(),
        });
        self
    }

    /// Runs each once for nothing, then all of them in every round, in turned order, and prints.
    pub fn run(mut self) {
        if !wanted(&self.job) {
            return;
        }
        for entry in &mut self.entries {
            (entry.run)();
        }
        for round in 0..rounds() {
            let mut order: Vec<usize> = (0..self.entries.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for at in order {
                let entry = &mut self.entries[at];
                let value = (entry.run)();
                entry.values.push(value);
            }
        }
        self.report();
    }

    fn report(&self) {
        for (at, metric) in self.metrics.iter().enumerate() {
            let job = format!("{}{}", self.job, metric.suffix);
            let values =
                |entry: &Entry<'_, N>| entry.values.iter().map(|v| v[at]).collect::<Vec<_>>();
            let ours = values(&self.entries[0]);
            for entry in &self.entries {
                let Spread { median, low, high } = Spread::of(values(entry));
                let (median, low, high) = (Figure(median), Figure(low), Figure(high));
                print!(
                    "{job} {} {median} {} {low}..{high}",
                    entry.name, metric.unit
                );
                match self.absolute[at] {
                    Some(bar) if entry.name == "ours" => {
                        println!(" {bar} {}", bar.verdict(median.0))
                    }
                    _ => println!(),
                }
            }
            for entry in &self.entries[1..] {
                let ratios = ours
                    .iter()
                    .zip(values(entry))
                    .map(|(ours, peer)| ours / peer);
                let Spread { median, low, high } = Spread::of(ratios.collect());
                print!(
                    "{job} ours/{} {median:.3} ratio {low:.3}..{high:.3}",
                    entry.name
                );
                match entry.bars[at] {
                    Some(bar) => println!(" {bar} {}", bar.verdict(median)),
                    None => println!(),
                }
            }
        }
    }
}

/// Prints a figure that is the same in every run, such as a count of allocations.
pub fn exact(job: &str, name: &str, value: f64, unit: &str, bar: Option<Bar>) {
    if !wanted(job) {
        return;
    }
    let value = Figure(value);
    match bar {
        Some(bar) => println!(
            "{job} {name} {value} {unit} {value}..{value} {bar} {}",
            bar.verdict(value.0)
        ),
        None => println!("{job} {name} {value} {unit} {value}..{value}"),
    }
}

/// A median, and the interval that holds it with a confidence of 95 % whatever the distribution is: between two of
/// the ordered values, by the binomial of the sign test. With seven values these are the least and the greatest
/// (98 %); with five, too (94 %).
struct Spread {
    median: f64,
    low: f64,
    high: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let median = (values[(n - 1) / 2] + values[n / 2]) / 2.0;
        let mut cut = 0;
        let mut outside = 2.0 * 0.5_f64.powi(n as i32);
        let mut choose = 1.0;
        loop {
            choose *= (n - cut) as f64 / (cut + 1) as f64;
            outside += 2.0 * choose * 0.5_f64.powi(n as i32);
            if outside > 0.05 || 2 * (cut + 1) >= n {
                break;
            }
            cut += 1;
        }
        Self {
            median,
            low: values[cut],
            high: values[n - 1 - cut],
        }
    }
}

struct Figure(f64);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            v if v >= 1000.0 => write!(f, "{v:.0}"),
            v if v >= 10.0 => write!(f, "{v:.1}"),
            v => write!(f, "{v:.2}"),
        }
    }
}

pub fn rounds() -> usize {
    let given = std::env::var("PEERS_PAIRS")
        .ok()
        .and_then(|text| text.parse().ok());
    given.unwrap_or(7).max(1)
}

/// Is this job asked for on the command line?
pub fn wanted(job: &str) -> bool {
    std::env::args()
        .nth(1)
        .is_none_or(|part| job.contains(&part))
}
