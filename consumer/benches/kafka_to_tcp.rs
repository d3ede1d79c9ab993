//! How many datapoints a second the program takes from a real Kafka and hands to a TCP backend, all on this machine: as lines to a
//! receiver that counts them. The baseline is decoding the same messages from memory. Both are CPU time, the
//! consumer's alone; the wall clock also has the broker and the receiver in it.
//!
//! `cargo bench -p dcos-stats-consumer [--bench kafka_to_tcp] [-- MILLIONS]`

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]
#![allow(clippy::cast_precision_loss, reason = "rates for people")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/consumer/messages.rs"]
mod messages;

use stats_kafka::local::{Broker, new_topic};
use stats_schema::{Limits, StreamDecoder};
use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Datapoints in a message: about 40 KB, which is what a busy node's collector writes at once.
const EACH: u32 = 1000;

/// What `utime` and `stime` of /proc count in, on all architectures Linux has today.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    let millions = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(4);
    let messages = messages::numbered(0, millions * 1_000_000 / EACH, EACH);
    let count = usize::try_from(millions).unwrap() * 1_000_000;
    let Some(broker) = Broker::launch() else { return };
    let topic = new_topic();

    let before = cpu_seconds("self");
    let mut decoded = 0;
    for message in &messages {
        let mut decoder = StreamDecoder::new(Limits::default());
        decoder
            .feed(message, |record| decoded += record.datapoints.len())
            .unwrap();
    }
    assert_eq!(decoded, count);
    let baseline = cpu_seconds("self") - before;

    for messages in messages.chunks(1000) {
        broker.produce(&topic, messages.iter().cloned());
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut consumer = Command::new(env!("CARGO_BIN_EXE_dcos-stats-consumer"))
        .args([
            "graphite",
            "--output-host=127.0.0.1",
            "--kafka-topics",
            &topic,
            "--output-port",
        ])
        .arg(listener.local_addr().unwrap().port().to_string())
        .env("KAFKA_OVERRIDE_BOOTSTRAP_SERVERS", broker.address())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();

    let mut buffer = vec![0; 256 << 10];
    let (mut lines, mut bytes, mut started) = (0, 0, None);
    while lines < count {
        let (mut stream, _) = listener.accept().unwrap();
        started.get_or_insert_with(Instant::now);
        loop {
            let read = stream.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            bytes += read;
            lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count();
        }
    }
    let wall = started.unwrap().elapsed().as_secs_f64();
    let cpu = cpu_seconds(&consumer.id().to_string());
    let peak = std::fs::read_to_string(format!("/proc/{}/status", consumer.id())).unwrap();
    let peak = peak
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap_or_default()
        .to_owned();
    Command::new("kill")
        .arg(consumer.id().to_string())
        .status()
        .unwrap();
    assert!(consumer.wait().unwrap().success());
    assert_eq!(lines, count);

    let rate = |seconds: f64| count as f64 / seconds / 1e6;
    println!("{count} datapoints, {} MB as lines", bytes / 1_000_000);
    println!("decoding alone:    {:6.2} M/s", rate(baseline));
    println!("wall clock:        {:6.2} M/s", rate(wall));
    println!(
        "CPU of a consumer: {:6.2} M/s a core, {:.1} times decoding",
        rate(cpu),
        cpu / baseline
    );
    println!("memory at most:    {}", peak.trim_start_matches("VmHWM:").trim());
}

/// The CPU time that a process has taken.
fn cpu_seconds(process: &str) -> f64 {
    let line = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // Fields 14 and 15 of the line, of which the first two end with the last parenthesis.
    let fields = line.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2);
    fields
        .map(|ticks| ticks.parse::<f64>().unwrap() / TICKS_PER_SECOND)
        .sum()
}
