//! Every format of the log, with levels, fields, spans, errors and a panic.
//!
//! ```sh
//! cargo run --example logging
//! cargo run --example logging -- --format rich_tb --level debug --width 100
//! cargo run --all-features --example logging -- --format syslog --to 127.0.0.1:514
//! AIOMISC_LOG_FORMAT=json cargo run --example logging
//! ```
//!
//! It ends by itself. `--format` takes a name of `LogFormat::choices()`. `--to` is for `syslog` and
//! `journald`: the path of a socket, or for `syslog` a server; `--rfc` takes `3164` or `5424`.

use std::error::Error;
use std::fs;
use std::time::Duration;

use aiomisc::log::format::Rich;
use aiomisc::log::{BasicConfig, Handler, LogFormat, LogLevel, basic_config, critical};
use aiomisc::{BoxError, Runtime, time};
use tracing::{Instrument, debug, error, info, info_span, trace, warn};

#[path = "common/cli.rs"]
mod cli;

/// What the program is about.
struct Order {
    number: u64,
    city: &'static str,
    items: Vec<&'static str>,
}

#[derive(Debug)]
struct LoadError {
    what: &'static str,
    cause: std::io::Error,
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot load {}", self.what)
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

fn main() -> Result<(), BoxError> {
    let known = [
        "--format",
        "--level",
        "--width",
        "--to",
        "--rfc",
        "--runtime",
    ];
    let args = cli::Args::parse(&known)?;
    set_up(&args)?;
    // The entrypoint keeps what was set up by hand, unless the environment says something else.
    args.entrypoint()?
        .run(async {
            work().await;
            Ok(())
        })?
        .finished()
        .unwrap_or(Ok(()))
}

fn set_up(args: &cli::Args) -> Result<(), BoxError> {
    let mut config = basic_config();
    let level = args.get("--level", "");
    if !level.is_empty() {
        config = config.level(level.parse::<LogLevel>()?);
    }
    let format = args.get("--format", "");
    if !format.is_empty() {
        config = with_format(config, format.parse()?, args)?;
    }
    Ok(config.init()?)
}

/// A format by its name; or one made by hand, where it is to differ from what the name means.
fn with_format(
    config: BasicConfig,
    format: LogFormat,
    args: &cli::Args,
) -> Result<BasicConfig, BoxError> {
    let width = args.get("--width", "");
    #[cfg(any(feature = "syslog", feature = "journald"))]
    let to = args.get("--to", "");
    let handler = match format {
        LogFormat::Rich if !width.is_empty() => rich(Rich::new(), &width)?,
        LogFormat::RichTb if !width.is_empty() => rich(Rich::with_tracebacks(), &width)?,
        #[cfg(all(unix, feature = "syslog"))]
        LogFormat::Syslog if !to.is_empty() => syslog(&args.get("--rfc", "3164"), &to)?,
        #[cfg(feature = "journald")]
        LogFormat::Journald if !to.is_empty() => journald(&to)?,
        _ => return Ok(config.format(format)),
    };
    Ok(config.format(LogFormat::Disabled).handler(handler))
}

fn rich(rich: Rich, width: &str) -> Result<Handler, BoxError> {
    Ok(Handler::new(rich.width(width.parse()?), std::io::stderr()))
}

#[cfg(all(unix, feature = "syslog"))]
fn syslog(rfc: &str, to: &str) -> Result<Handler, BoxError> {
    use aiomisc::log::format::{Facility, Syslog};
    use aiomisc::log::{Output, SyslogSocket};

    let format = match rfc {
        "3164" => Syslog::rfc3164(),
        "5424" => Syslog::rfc5424(),
        _ => return Err(format!("--rfc {rfc} is neither 3164 nor 5424").into()),
    };
    let socket = if to.starts_with('/') {
        SyslogSocket::unix(to)
    } else {
        SyslogSocket::udp(to)?
    };
    let format = format.facility(Facility::Daemon).identifier("logging");
    Ok(Handler::new(format, Output::datagrams(socket)))
}

#[cfg(feature = "journald")]
fn journald(to: &str) -> Result<Handler, BoxError> {
    use aiomisc::log::format::Journald;
    use aiomisc::log::{JournalSocket, Output};

    let format = Journald::new().identifier("logging");
    Ok(Handler::new(
        format,
        Output::datagrams(JournalSocket::at(to)),
    ))
}

async fn work() {
    trace!("looking for work");
    debug!(workers = 4, "workers are ready");
    info!(address = "127.0.0.1:8080", tls = false, "listening");

    let order = Order {
        number: 1042,
        city: "Göteborg",
        items: vec!["tea", "honey"],
    };
    let request = info_span!("request", id = 7, path = "/orders");
    serve(&order).instrument(request).await;

    if let Err(error) = load("settings") {
        error!(
            error = &error as &dyn Error,
            attempt = 3,
            "the settings stay as they are"
        );
    }
    // A panic of a task is logged with its place; the program goes on.
    if let Ok(runtime) = Runtime::current() {
        let task = runtime.spawn(async { panic!("the till is empty") });
        let task: Result<(), _> = task.await;
        if let Err(error) = task {
            warn!(%error, "a task has ended");
        }
    }
    critical!(code = 7, "the shop is on fire");
}

async fn serve(order: &Order) {
    info!(number = order.number, items = ?order.items, city = order.city, "order taken");
    time::sleep(Duration::from_millis(20)).await;
    warn!(
        seconds = 1.74,
        "a slow query: SELECT price, vat FROM prices JOIN taxes USING (country) WHERE item = ANY ($1) AND valid_from \
         <= now() ORDER BY valid_from DESC"
    );
    info!(status = 200, cached = true, "answered");
}

fn load(what: &'static str) -> Result<String, LoadError> {
    fs::read_to_string("/no/such/settings.toml").map_err(|cause| LoadError { what, cause })
}
