//! What it costs to record a datapoint of a known series, and to show a page. The baseline of recording is a plain map
//! of sums by name and labels as a page has them, which is made for every datapoint. CPU time, so that other work on the
//! machine does not count.
//!
//! `cargo bench -p dcos-stats-collector --bench prometheus [-- SERIES]`

use rustix::time::{ClockId, clock_gettime};
use stats_collector::sinks::prometheus::{Format, Limits, Registry};
use stats_schema::{DatapointRef, MetricType, RecordRef, TagRef};
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Containers that the series are spread over.
const CONTAINERS: usize = 200;
/// Datapoints that are recorded for each line of the table.
const DATAPOINTS: usize = 4_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let series = std::env::args()
        .skip(1)
        .find(|argument| argument != "--bench")
        .map_or(Ok(20_000), |text| text.parse::<usize>())?;
    let names: Vec<String> = (0..series / CONTAINERS)
        .map(|number| format!("shop.requests.duration.{number}"))
        .collect();
    let containers: Vec<Tags> = (0..CONTAINERS).map(Tags::new).collect();
    println!(
        "{series} series; CPU, ns a datapoint {:>12} {:>12} {:>8}",
        "baseline", "registry", "ratio"
    );
    for metric_type in [MetricType::Counter, MetricType::Timer, MetricType::Set] {
        for datapoints in [1, 100] {
            let baseline = baseline(&containers, &names, metric_type, datapoints);
            let registry = Registry::new(limits(series), Instant::now());
            // Once for the series to be there.
            record(&registry, &containers, &names, metric_type, datapoints, 1)?;
            let rounds = (DATAPOINTS / series).max(1);
            let spent = record(&registry, &containers, &names, metric_type, datapoints, rounds)?;
            let name = format!("{metric_type}, {datapoints} a record");
            println!(
                "{name:<36} {baseline:>12.1} {spent:>12.1} {:>8.2}",
                spent / baseline
            );
            if datapoints == 100 {
                show(&registry, metric_type);
            }
        }
    }
    Ok(())
}

fn limits(series: usize) -> Limits {
    Limits {
        series,
        bytes: 1 << 30,
        expiry: Duration::from_secs(300),
    }
}

/// The tags of a container, as the module sends them.
struct Tags {
    container_id: String,
}

impl Tags {
    fn new(number: usize) -> Self {
        Self {
            container_id: format!("9b1d3e1c-2f43-4c52-a1b1-{number:012}"),
        }
    }

    fn refs(&self) -> [TagRef<'_>; 3] {
        [
            ("framework_id", "5d5e9cd1-d2b4-4b6a-8c9e-d2c1c1e4c3a1-0001"),
            ("executor_id", "web_shop.2d6f5c1e-7b1a-11e6-9a8e-70b3d5800001"),
            ("container_id", &self.container_id),
        ]
        .map(|(key, value)| TagRef { key, value })
    }
}

/// Datapoints with all names, in records of so many.
fn records<'a>(
    names: &'a [String],
    metric_type: MetricType,
    datapoints: usize,
) -> Vec<Vec<DatapointRef<'a>>> {
    let all: Vec<_> = names
        .iter()
        .zip(1_u32..)
        .map(|(name, number)| DatapointRef {
            name,
            time_ms: 1_472_688_000_123,
            value: f64::from(number),
            metric_type,
            sample_rate: 1.0,
            text: (metric_type == MetricType::Set).then_some(name.as_str()),
        })
        .collect();
    all.chunks(datapoints).map(<[_]>::to_vec).collect()
}

/// Nanoseconds a datapoint.
fn record(
    registry: &Registry,
    containers: &[Tags],
    names: &[String],
    metric_type: MetricType,
    datapoints: usize,
    rounds: usize,
) -> Result<f64, Box<dyn Error>> {
    let records = records(names, metric_type, datapoints);
    let mut taken = 0;
    let start = cpu_time();
    for _ in 0..rounds {
        for container in containers {
            let tags = container.refs();
            for datapoints in &records {
                let record = RecordRef {
                    topic: "f",
                    tags: &tags,
                    datapoints,
                };
                taken += registry.record(&record, Instant::now()).taken;
            }
        }
    }
    let spent = cpu_time() - start;
    let expected = (rounds * containers.len() * names.len()) as u64;
    if taken != expected {
        return Err(format!("{taken} of {expected} datapoints were taken").into());
    }
    Ok(spent.as_nanos() as f64 / taken as f64)
}

/// Nanoseconds a datapoint.
fn baseline(containers: &[Tags], names: &[String], metric_type: MetricType, datapoints: usize) -> f64 {
    let records = records(names, metric_type, datapoints);
    let mut sums = HashMap::<String, f64>::new();
    let rounds = (DATAPOINTS / 4 / (containers.len() * names.len()).max(1)).max(1);
    let mut round = || {
        for container in containers {
            let tags = container.refs();
            for datapoint in records.iter().flatten() {
                let mut key = datapoint.name.to_owned();
                for tag in tags {
                    let _ = write!(key, ",{}=\"{}\"", tag.key, tag.value);
                }
                *sums.entry(key).or_default() += datapoint.value;
            }
        }
    };
    round();
    let start = cpu_time();
    (0..rounds).for_each(|_| round());
    let spent = cpu_time() - start;
    black_box(sums.len());
    spent.as_nanos() as f64 / (rounds * containers.len() * names.len()) as f64
}

fn show(registry: &Registry, metric_type: MetricType) {
    const PAGES: u32 = 10;
    let mut page = String::new();
    let start = cpu_time();
    for _ in 0..PAGES {
        page.clear();
        registry.render(Format::OpenMetrics, Instant::now(), &mut page);
    }
    let spent = (cpu_time() - start) / PAGES;
    let series = registry.series();
    println!(
        "  a page of {} kB: {spent:.1?}, {:.0} ns a series; {} bytes a series ({metric_type})",
        page.len() / 1024,
        spent.as_nanos() as f64 / series as f64,
        registry.bytes() / series,
    );
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
