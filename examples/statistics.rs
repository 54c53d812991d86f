//! Figures of the program's own beside those of the library, as lines or as text for a scraper.
//!
//! ```sh
//! cargo run --example statistics
//! cargo run --example statistics --features openmetrics -- --format openmetrics
//! ```
#![allow(clippy::print_stdout, reason = "this is what the example shows")]

use std::time::Duration;

use aiomisc::statistics::Instance;
use aiomisc::{BoxError, Context, Key, Runtime, time};

#[path = "common/cli.rs"]
mod cli;

aiomisc::statistic! {
    /// What a packer does.
    struct PackerStatistic {
        /// Parcels that were packed.
        done: Counter,
        /// Parcels that are being packed.
        running: Gauge,
        /// The time that packing took.
        sum_time: Sum,
        /// How long a parcel takes.
        took: Histogram,
    }
}

aiomisc::statistic! {
    /// What a packer does who writes cards as well: who asks for packers gets these, too.
    struct GiftPackerStatistic: PackerStatistic {
        /// Cards that were written.
        cards: Counter,
    }
}

static SHELF: Key<u32> = Key::new("shelf");

fn main() -> Result<(), BoxError> {
    let args = cli::Args::parse(&["--runtime", "--format"])?;
    let format = args.get("--format", "lines");
    let outcome = args.entrypoint()?.log_config(false).run(async move {
        let left = PackerStatistic::new("left");
        let gifts = GiftPackerStatistic::new("gifts");
        if let Some(context) = Context::current() {
            context.set(&SHELF, 5);
        }
        let other = aiomisc::spawn(pack_all(left.clone(), 3));
        for _ in 0..2 {
            pack(&gifts).await?;
            gifts.cards.add_one();
        }
        other.await??;
        show(&format)
    })?;
    // They were those of objects that are gone.
    let packers = aiomisc::statistics().of_kind::<PackerStatistic>();
    assert_eq!(packers.count(), 0);
    outcome.transpose()?;
    Ok(())
}

async fn pack_all(packer: Instance<PackerStatistic>, parcels: u32) -> Result<(), BoxError> {
    for _ in 0..parcels {
        pack(&packer).await?;
    }
    Ok(())
}

/// Works for packers of both kinds.
async fn pack(packer: &PackerStatistic) -> Result<(), BoxError> {
    let runtime = Runtime::current()?;
    let _running = packer.running.hold();
    let start = runtime.now();
    time::sleep(Duration::from_millis(2)).await;
    let took = runtime.now().saturating_duration_since(start);
    packer.done.add_one();
    packer.sum_time.add(took);
    packer.took.observe(took);
    Ok(())
}

fn show(format: &str) -> Result<(), BoxError> {
    match format {
        "lines" => {
            for figure in aiomisc::statistics() {
                println!("{figure}");
            }
            let packers = aiomisc::statistics().of_kind::<PackerStatistic>();
            let done = packers.filter(|figure| figure.metric == "done");
            let done: f64 = done.filter_map(|figure| figure.value.as_f64()).sum();
            println!("packed by all: {done}");
        }
        #[cfg(feature = "openmetrics")]
        "openmetrics" => print!("{}", aiomisc::statistics::openmetrics()),
        _ => return Err(format!("--format {format} is not compiled in").into()),
    }
    Ok(())
}
