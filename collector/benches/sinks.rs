//! What a datapoint costs in each sink that is on by default, and in Kafka's while there is no broker: CPU time of
//! the whole process, a record at a time and in records of 100, of a node with 200 containers. The baseline is a sink that
//! only looks at every datapoint.
//!
//! `cargo bench -p dcos-stats-collector --bench sinks >/dev/null`; the table goes to stderr, for stdout is one of the sinks

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]
#![allow(clippy::cast_precision_loss, reason = "rates for people")]

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use stats_collector::http::{Store, StoreSink, store};
use stats_collector::sinks::kafka::{Kafka, KafkaOptions};
use stats_collector::sinks::prometheus::{self, Prometheus, Registry};
use stats_collector::sinks::{Outcome, Stdout};
use stats_collector::telemetry::Output;
use stats_collector::{Batch, Sink};
use stats_schema::{Datapoint, MetricList, MetricType, Tag};
use std::convert::Infallible;
use std::hint::black_box;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::{Duration, Instant};

const CONTAINERS: usize = 200;
const NAMES: usize = 100;
/// Rounds in one measurement, and measurements, of which the fastest counts.
const ROUNDS: usize = 20;
const RUNS: usize = 5;

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    kafka: KafkaOptions,
}

fn main() {
    if io::stdout().is_terminal() {
        eprintln!("stdout is one of the sinks: send it to /dev/null");
        return;
    }
    eprintln!(
        "{:<34} {:>14} {:>14}",
        "CPU, ns a datapoint", "1 a record", "100 a record"
    );
    let batches = [1, NAMES].map(batches);
    let baseline = batches
        .each_ref()
        .map(|batches| measure(&mut Looking::default(), batches));
    report("looking at it", baseline, None);
    let now = Instant::now();
    let registry = || Arc::new(Registry::new(registry_limits(), now));
    let store = || Arc::new(Store::new(store_limits(), now));
    compare(
        "Prometheus registry",
        || Prometheus::new(registry()),
        &batches,
        baseline,
    );
    compare(
        "HTTP store (below 300)",
        || StoreSink::new(store()),
        &batches,
        baseline,
    );
    compare(
        "stdout to /dev/null",
        || Stdout::open().unwrap(),
        &batches,
        baseline,
    );
    compare("Kafka without a broker", kafka, &batches, baseline);
}

/// Measures a sink of its own for each kind of batches.
fn compare<S: Sink>(name: &str, sink: impl Fn() -> S, batches: &[Vec<Batch>; 2], baseline: [f64; 2]) {
    let spent = batches.each_ref().map(|batches| measure(&mut sink(), batches));
    report(name, spent, Some(baseline));
}

/// Nanoseconds a datapoint, once all series are known.
fn measure(sink: &mut impl Sink, batches: &[Batch]) -> f64 {
    let output = Output::default();
    let mut round = || {
        for batch in batches {
            sink.tick(&output);
            sink.write(batch, &output).unwrap();
        }
    };
    round();
    let best = (0..RUNS)
        .map(|_| {
            let start = cpu_time();
            (0..ROUNDS).for_each(|_| round());
            cpu_time() - start
        })
        .min();
    best.unwrap().as_nanos() as f64 / (ROUNDS * CONTAINERS * NAMES) as f64
}

fn report(name: &str, spent: [f64; 2], baseline: Option<[f64; 2]>) {
    let [one, many] = spent;
    eprintln!("{name:<34} {one:>14.1} {many:>14.1}");
    if let Some(baseline) = baseline {
        let [one, many] = [one / baseline[0], many / baseline[1]];
        eprintln!("{:<34} {one:>14.2} {many:>14.2}", "  ratio");
    }
}

/// A batch for each container.
fn batches(datapoints: usize) -> Vec<Batch> {
    (0..CONTAINERS)
        .map(|container| {
            let all: Vec<_> = (0..NAMES).map(datapoint).collect();
            let lists = all.chunks(datapoints).map(|datapoints| MetricList {
                topic: "5d5e9cd1-d2b4-4b6a-8c9e-d2c1c1e4c3a1-0001".into(),
                tags: tags(container),
                datapoints: datapoints.to_vec(),
            });
            lists.collect()
        })
        .collect()
}

fn datapoint(number: usize) -> Datapoint {
    Datapoint {
        name: format!("shop.requests.duration.{number}"),
        time_ms: 1_472_688_000_123,
        value: number as f64,
        metric_type: MetricType::Counter,
        sample_rate: 1.0,
        text: None,
    }
}

/// The module's tags, and what the agent's state adds.
fn tags(container: usize) -> Vec<Tag> {
    let id = format!("9b1d3e1c-2f43-4c52-a1b1-{container:012}");
    [
        ("framework_id", "5d5e9cd1-d2b4-4b6a-8c9e-d2c1c1e4c3a1-0001"),
        ("executor_id", "web_shop.2d6f5c1e-7b1a-11e6-9a8e-70b3d5800001"),
        ("container_id", &id),
        ("framework_name", "marathon"),
        ("application_name", "shop/web"),
        ("agent_id", "5d5e9cd1-d2b4-4b6a-8c9e-d2c1c1e4c3a1-S4"),
        ("task_id", "web_shop.2d6f5c1e-7b1a-11e6-9a8e-70b3d5800001"),
        ("task_name", "web.shop"),
        ("hostname", "10.0.3.17"),
    ]
    .map(|(key, value)| Tag {
        key: key.into(),
        value: value.into(),
    })
    .into()
}

fn registry_limits() -> prometheus::Limits {
    prometheus::Limits {
        series: CONTAINERS * NAMES,
        bytes: 1 << 30,
        expiry: Duration::from_secs(300),
    }
}

fn store_limits() -> store::Limits {
    store::Limits {
        series: CONTAINERS * NAMES,
        bytes: 1 << 30,
        expiry: Duration::from_secs(120),
    }
}

/// Nothing listens at its broker's address.
fn kafka() -> Kafka {
    let options = Options::parse_from(["sinks", "--kafka-brokers=127.0.0.1:1"]);
    Kafka::new(options.kafka.settings(std::iter::empty()).unwrap().unwrap()).unwrap()
}

#[derive(Default)]
struct Looking {
    sum: f64,
}

impl Sink for Looking {
    fn name(&self) -> &'static str {
        "looking"
    }

    fn write(&mut self, batch: &Batch, _output: &Output) -> io::Result<Outcome> {
        let Ok(()) = batch.try_for_each(|record| {
            self.sum += record
                .datapoints
                .iter()
                .map(|datapoint| datapoint.value)
                .sum::<f64>();
            Ok::<(), Infallible>(())
        });
        black_box(self.sum);
        Ok(Outcome::Counted)
    }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
