//! `soak`: runs module and collector with all outputs for as long as it is told, and fails if they grow.

#![forbid(unsafe_code)]

use clap::Parser;
use stats_kafka::local::Broker;
use stats_proof::Failure;
use stats_proof::books::{Accounting, Balance};
use stats_proof::clock::{end_on_signals, pause};
use stats_proof::collector::{Collector, free_port};
use stats_proof::identity::sum;
use stats_proof::node::Node;
use stats_proof::soak::load::{Load, Size};
use stats_proof::soak::outputs::{page, statsd_server};
use stats_proof::soak::plot;
use stats_proof::soak::samples::{Measure, Samples, csv};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What fills the caches of the collector as it is started here; that of label sets, in `/metrics`, is the last.
const FILLING_CONTAINERS: u64 = 8000;

const SECOND: Duration = Duration::from_secs(1);

/// How often Prometheus would read.
const SCRAPE_SECONDS: u64 = 15;

/// Has containers come and go and send 100,000 lines a second, with all outputs on, and looks at the memory, descriptors and
/// threads of module and collector once a second. Fails if a straight line through the second half rises: by more than 2 MiB and
/// 2 % of its mean for resident memory, by more than 3 for descriptors and threads. In the first half, caches fill: that takes
/// 8000 containers, so a run is refused whose first half has less.
#[derive(Parser)]
#[command(name = "soak")]
struct Options {
    /// How long
    #[arg(long, default_value = "30", value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,

    /// How many at a time
    #[arg(long, default_value = "200", value_parser = clap::value_parser!(u16).range(1..))]
    containers: u16,

    /// How many of them are replaced in a second
    #[arg(long, default_value = "40", value_parser = clap::value_parser!(u16).range(1..=200))]
    churn: u16,

    /// How many lines all of them send in a second
    #[arg(long, default_value = "100000", value_parser = clap::value_parser!(u32).range(20..))]
    lines: u32,

    /// Where soak.csv, soak.png and soak.md go
    #[arg(long, default_value = ".")]
    folder: PathBuf,
}

impl Options {
    fn size(&self) -> Size {
        Size {
            containers: self.containers,
            churn: self.churn,
            lines: self.lines,
        }
    }
}

fn main() -> ExitCode {
    match soak(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn soak(options: &Options) -> Result<(), Failure> {
    let (minutes, churn) = (options.minutes, u64::from(options.churn));
    let first_half = minutes.saturating_mul(30 * churn);
    if first_half < FILLING_CONTAINERS {
        return Err(format!(
            "--minutes={minutes} with --churn={churn}: {first_half} containers in the first half do not fill the caches, at least \
             {FILLING_CONTAINERS} do"
        ));
    }
    end_on_signals()?;
    let folder = TempDir::new().map_err(|error| format!("a folder for the run: {error}"))?;
    let broker = Broker::launch();
    let port = free_port()?;
    let pages = format!("127.0.0.1:{}", free_port()?);
    let collector = Collector::start(port, &outputs(folder.path(), &pages, broker.as_ref())?, None)?;
    let mut node = Node::start(folder.path(), &parameters(folder.path(), port)?)?;
    let mut load = Load::new(&mut node, options.size())?;

    let mut all = [
        Samples::of("module", node.process().pid()),
        Samples::of("collector", collector.process().pid()),
    ];
    let start = Instant::now();
    for second in 1..=options.minutes * 60 {
        pause(Duration::ZERO)?;
        let next = start + SECOND * u32::try_from(second).map_err(|error| error.to_string())?;
        load.run(&mut node, next.saturating_duration_since(Instant::now()))?;
        for samples in &mut all {
            samples.take(start.elapsed().as_secs_f64())?;
        }
        if second % SCRAPE_SECONDS == 0 {
            page(&pages, "/metrics")?;
        }
    }

    let accounting = node.end()?;
    let balance = collector.end()?;
    let (table, is_level) = growth(&all);
    let sums = sums(options, &load, &accounting, &balance);
    let summary = format!("{sums}\n{table}\n{}", for_each(&all, load.replaced() / 2));
    print!("{summary}");
    fs::create_dir_all(&options.folder)
        .and_then(|()| fs::write(options.folder.join("soak.csv"), csv(&all)))
        .and_then(|()| fs::write(options.folder.join("soak.md"), summary))
        .map_err(|error| format!("{}: {error}", options.folder.display()))?;
    plot::write(&options.folder.join("soak.png"), &all)?;
    if is_level {
        Ok(())
    } else {
        Err("something grows; see the table, soak.csv and soak.png".to_owned())
    }
}

/// All outputs of the module.
fn parameters(folder: &Path, port: u16) -> Result<Vec<(String, String)>, Failure> {
    let parameters = [
        ("state_path_dir", folder.join("state").display().to_string()),
        ("container_limit_amount_kbytes", "1048576".to_owned()),
        ("output_collector_port", port.to_string()),
        ("output_statsd_enabled", "true".to_owned()),
        ("output_statsd_host", "127.0.0.1".to_owned()),
        ("output_statsd_port", statsd_server()?.port().to_string()),
        ("output_statsd_annotation_mode", "tag_datadog".to_owned()),
        ("output_statsd_chunk_size_bytes", "1432".to_owned()),
    ];
    Ok(parameters.map(|(key, value)| (key.to_owned(), value)).into())
}

/// All outputs of the collector; a series of a container that is gone goes soon, so that what is kept is all there before the
/// second half even of a short run.
fn outputs(folder: &Path, pages: &str, broker: Option<&Broker>) -> Result<Vec<String>, Failure> {
    let mut options = vec![
        "--output=stdout".to_owned(),
        format!("--file={}", folder.join("files").display()),
        "--file-rotate-kbytes=16384".to_owned(),
        "--file-keep=3".to_owned(),
        format!("--statsd-output={}", statsd_server()?),
        "--agent-polling=false".to_owned(),
        format!("--books={}", folder.join("books").display()),
        format!("--http={pages}"),
        "--prometheus-expiry=2".to_owned(),
        "--http-store-expiry=2".to_owned(),
        "--prometheus-series=40000".to_owned(),
    ];
    if let Some(broker) = broker {
        options.push(format!("--kafka-brokers={}", broker.address()));
    }
    Ok(options)
}

/// What was sent and what became of it, as Markdown.
fn sums(options: &Options, load: &Load, accounting: &Accounting, balance: &Balance) -> String {
    let output = &accounting.collector_output;
    let mut text = format!(
        "{} minutes, {} containers at a time, {} in all, {} lines sent.\n\n| | lines or datapoints |\n|---|---:|\n",
        options.minutes,
        options.containers,
        load.containers,
        load.lines(),
    );
    let mut row = |what: &str, count: u64| {
        let _ = writeln!(text, "| {what} | {count} |");
    };
    row("module: received", accounting.lines_received);
    row(
        "module: datagrams without room in the kernel",
        accounting.kernel_drops,
    );
    row(
        "module: datagrams refused, their container being gone",
        load.refused,
    );
    row(
        "module: datapoints acknowledged by the collector",
        output.datapoints_forwarded,
    );
    row("module: dropped", sum(&output.datapoints_dropped));
    row("collector: received", balance.datapoints_received);
    for (name, sink) in &balance.sinks {
        row(&format!("collector: written by {name}"), sink.datapoints_written);
        for (reason, count) in sink.datapoints_dropped.iter().filter(|(_, count)| **count > 0) {
            row(&format!("collector: dropped by {name}, {reason}"), *count);
        }
    }
    text
}

/// How much memory may have stayed of each container of the second half.
#[expect(clippy::cast_precision_loss, reason = "no run has so many")]
fn for_each(all: &[Samples], containers: usize) -> String {
    let mut text =
        format!("{containers} containers came in the second half. For each, memory may have risen by");
    for samples in all {
        if let Some((line, _)) = samples.growth(Measure::Memory) {
            let bytes = 1024.0 * Measure::Memory.allowed().at(line.mean) / containers.max(1) as f64;
            let _ = write!(text, " {bytes:.0} bytes in the {},", samples.process);
        }
    }
    text.truncate(text.trim_end_matches(',').len());
    text + ".\n"
}

/// What grew in the second half, as Markdown, and whether that is little enough.
fn growth(all: &[Samples]) -> (String, bool) {
    let mut text = String::from(
        "| in the second half | mean | rise an hour | rise | allowed | |\n|---|---:|---:|---:|---:|---|\n",
    );
    let mut is_level = true;
    for samples in all {
        for measure in Measure::ALL {
            let Some((line, holds)) = samples.growth(measure) else {
                continue;
            };
            is_level &= holds;
            let _ = writeln!(
                text,
                "| {}: {} | {:.0} | {:.1} | {:.1} | {:.1} | {} |",
                samples.process,
                measure.as_str(),
                line.mean,
                line.slope * 3600.0,
                line.rise,
                measure.allowed().at(line.mean),
                if holds { "level" } else { "GROWS" },
            );
        }
    }
    (text, is_level)
}
