//! Resident memory of the real program: idle, and with 1,000 connections that send 200,000 datapoints/s while Kafka is
//! configured but away. Both with everything on, beside a baseline of the same program with everything off.
//!
//! The load is meant to be a hard one: a container for each connection, 100 metrics each, so more series than the views
//! may keep; a third of them are timers with values far apart, so large sketches; all outputs on at the same time.
//!
//! `cargo bench -p dcos-stats-collector --bench memory [-- SECONDS]`, 70 seconds of load by default

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]
#![allow(clippy::cast_precision_loss, reason = "MiB for people")]

#[path = "../tests/running/mod.rs"]
mod running;

use running::{Running, collector};
use serde_json::Value;
use stats_schema::{CustomTags, DatapointRef, Identity, Layout, MetricType, Part, write_block};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 1000;
const DATAPOINTS_PER_SECOND: usize = 200_000;
const BLOCK_DATAPOINTS: usize = 100;
/// How often some of the connections send a block, and how many do.
const TICK: Duration = Duration::from_millis(5);
const BLOCKS_PER_TICK: usize = DATAPOINTS_PER_SECOND / BLOCK_DATAPOINTS / 200;

/// The values are others in each of so many rounds.
const ROUNDS: usize = 8;

const IDLE: Duration = Duration::from_secs(10);

const NOTHING: &[&str] = &["--output=none", "--http=off"];

fn main() {
    let seconds = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(70);
    println!(
        "{:<52} {:>10} {:>10}",
        "resident memory, MiB", "at the end", "at most"
    );
    // Everything that is on by default, an agent that is not there included.
    let default = ["--host-metrics", "--agent-polling"];
    for (name, options) in [
        ("idle, everything off", NOTHING),
        ("idle, as by default (below 40)", &default),
    ] {
        let collector = start(options);
        std::thread::sleep(IDLE);
        report(name, &collector);
        collector.terminate();
    }
    // Nothing listens there any more.
    let away = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let kafka = format!("--kafka-brokers={away}");
    let all = [default[0], default[1], "--output=stdout", &kafka];
    for (name, options) in [
        ("loaded, everything off", NOTHING),
        ("loaded, everything on, Kafka away (below 128)", &all),
    ] {
        let collector = start(options);
        let (sent, took) = load(&collector, Duration::from_secs(seconds));
        report(name, &collector);
        let balance = collector.terminate();
        println!(
            "  {CONNECTIONS} connections, {sent} datapoints, {:.0}/s{}",
            sent as f64 / took.as_secs_f64(),
            written(&balance)
        );
        assert!(
            balance["datapoints_received"].as_u64().unwrap() >= sent as u64,
            "{balance}"
        );
    }
}

fn start(options: &[&str]) -> Running {
    let mut command = collector();
    command
        .args(["--listen=127.0.0.1:0"])
        .args(options)
        .stdout(Stdio::null());
    Running::spawn(&mut command)
}

/// Sends blocks at the rate; how many datapoints that were, and how long it took.
fn load(collector: &Running, duration: Duration) -> (usize, Duration) {
    let mut connections: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let mut stream = collector.connect();
            stream.write_all(Layout::Typed.header()).unwrap();
            (
                stream,
                std::array::from_fn::<_, ROUNDS, _>(|round| block(number, round)),
            )
        })
        .collect();
    let started = Instant::now();
    let (mut next, mut blocks) = (started, 0);
    while next < started + duration {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next += TICK;
        for _ in 0..BLOCKS_PER_TICK {
            let (stream, rounds) = &mut connections[blocks % CONNECTIONS];
            stream.write_all(&rounds[blocks / CONNECTIONS % ROUNDS]).unwrap();
            blocks += 1;
        }
    }
    (blocks * BLOCK_DATAPOINTS, started.elapsed())
}

/// A container's metrics.
fn block(container: usize, round: usize) -> Vec<u8> {
    let framework = "5d5e9cd1-d2b4-4b6a-8c9e-d2c1c1e4c3a1-0001";
    let id = format!("9b1d3e1c-2f43-4c52-a1b1-{container:012}");
    let identity = Identity::new(
        framework,
        &[
            ("framework_id", framework),
            ("executor_id", "web_shop.2d6f5c1e-7b1a-11e6-9a8e-70b3d5800001"),
            ("container_id", &id),
        ],
    );
    let types = [MetricType::Counter, MetricType::Gauge, MetricType::Timer];
    let mut part = Part::default();
    for (number, metric_type) in types.into_iter().cycle().take(BLOCK_DATAPOINTS).enumerate() {
        let datapoint = DatapointRef {
            name: &format!("shop.requests.duration.{number}"),
            time_ms: 1_472_688_000_123,
            value: ((1 + number) << (2 * round)) as f64,
            metric_type,
            sample_rate: 1.0,
            text: None,
        };
        part.push(Layout::Typed, &identity, &CustomTags::default(), &datapoint);
    }
    let mut block = Vec::new();
    write_block(&mut block, [(&identity, &part)].into_iter());
    block
}

fn report(name: &str, collector: &Running) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", collector.child.id())).unwrap();
    let mebibytes = |field: &str| {
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    };
    println!(
        "{name:<52} {:>10.1} {:>10.1}",
        mebibytes("VmRSS:"),
        mebibytes("VmHWM:")
    );
}

/// How many datapoints each sink has written.
fn written(balance: &Value) -> String {
    let sinks = balance["sinks"].as_object().unwrap();
    let written = sinks
        .iter()
        .map(|(name, sink)| format!(", {name} wrote {}", sink["datapoints_written"]));
    written.collect()
}
