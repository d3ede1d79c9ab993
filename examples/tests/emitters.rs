//! The real emitters, sending to real sockets.

#![allow(clippy::unwrap_used)]

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use stats_schema::{Limits, MetricType, StreamDecoder};
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Killed when dropped.
struct Emitter(Child);

impl Emitter {
    fn start(command: &mut Command) -> Self {
        Self(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }

    fn terminate(&self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
    }

    fn ends_well(&mut self) -> bool {
        self.0.wait().unwrap().success()
    }

    /// The totals it prints at its end.
    fn report(&mut self) -> Value {
        let mut text = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(self.ends_well());
        serde_json::from_str(&text).unwrap()
    }
}

impl Drop for Emitter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn statsd_emitter() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statsd-emitter"));
    command.env_clear();
    command
}

/// An endpoint, and an emitter that sends there.
fn endpoint_and_emitter(flags: &[&str]) -> (UdpSocket, Emitter) {
    let endpoint = UdpSocket::bind("127.0.0.1:0").unwrap();
    endpoint.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let port = endpoint.local_addr().unwrap().port().to_string();
    let mut command = statsd_emitter();
    command
        .env("STATSD_UDP_HOST", "127.0.0.1")
        .env("STATSD_UDP_PORT", port)
        .args(flags);
    (endpoint, Emitter::start(&mut command))
}

fn datagram(endpoint: &UdpSocket) -> String {
    let mut buffer = [0; 65536];
    let length = endpoint.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn without_an_endpoint_it_says_so_and_exits_1() {
    let output = statsd_emitter().env("STATSD_UDP_PORT", "8125").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("STATSD_UDP_HOST is not set"), "{message}");
    assert_eq!(message.lines().count(), 1);
}

#[test]
fn a_loop_is_a_line_a_datagram() {
    let (endpoint, mut emitter) = endpoint_and_emitter(&["-report-json"]);
    assert_eq!(
        datagram(&endpoint),
        "statsd_emitter.proc.instance_counter:1|c|#sample_tag:sample_val"
    );
    let rest: Vec<_> = (0..16).map(|_| datagram(&endpoint)).collect();
    let pid = format!(
        "statsd_emitter.proc.pid:{}|g|#sample_tag:sample_val",
        emitter.0.id()
    );
    assert!(rest.contains(&pid), "{rest:?}");
    emitter.terminate();
    let report = emitter.report();
    // However many loops there were meanwhile.
    assert_eq!(report["lines"], report["datagrams"]);
    assert_eq!(report["lines"].as_u64().map(|lines| lines % 16), Some(1));
}

#[test]
fn counted_lines_fill_datagrams_and_the_report_agrees_with_what_arrived() {
    let flags = [
        "--flood",
        "--count",
        "25",
        "--lines-per-datagram",
        "10",
        "--pattern",
        "mixed",
        "--report-json",
    ];
    let (endpoint, mut emitter) = endpoint_and_emitter(&flags);
    let datagrams = [10, 10, 5].map(|lines| {
        let datagram = datagram(&endpoint);
        assert_eq!(datagram.lines().count(), lines);
        datagram.len()
    });
    let bytes: usize = datagrams.iter().sum();
    let expected = json!({"lines": 25, "datagrams": 3, "bytes": bytes, "failed_lines": 0, "failed_datagrams": 0, "failed_bytes": 0});
    assert_eq!(emitter.report(), expected);
}

#[test]
fn an_endpoint_that_is_gone_is_counted() {
    let (endpoint, mut emitter) = endpoint_and_emitter(&["--rate", "1000", "--debug", "--report-json"]);
    datagram(&endpoint);
    drop(endpoint);
    let mut log = BufReader::new(emitter.0.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    assert!(log.any(|line| line.contains("(not sent: ")));
    emitter.terminate();
    assert_eq!(log.filter(String::is_empty).count(), 0);
    let report = emitter.report();
    assert!(
        report["failed_datagrams"].as_u64() >= Some(1) && report["lines"].as_u64() >= Some(1),
        "{report}"
    );
}

#[test]
fn lists_reach_a_collector() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = collector.local_addr().unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_collector-emitter"));
    command.args([
        &format!("-endpoint={address}"),
        "-topic",
        "t",
        "-period=0.01",
        "-block-size",
        "2",
    ]);
    let mut emitter = Emitter::start(command.arg("-record-output-log=true"));
    let (mut stream, _) = collector.accept().unwrap();
    let mut decoder = StreamDecoder::new(Limits::default());
    let mut names = Vec::new();
    let mut buffer = [0; 4096];
    while decoder.blocks() < 2 {
        let length = stream.read(&mut buffer).unwrap();
        assert!(length > 0);
        let shown = |record: stats_schema::RecordRef<'_>| {
            assert_eq!(record.topic, "t");
            assert_eq!(record.tags[1].value, emitter.0.id().to_string());
            assert!(
                record
                    .datapoints
                    .iter()
                    .all(|datapoint| datapoint.metric_type == MetricType::Gauge)
            );
            names.push(record.datapoints[0].name.to_owned());
        };
        decoder.feed(&buffer[..length], shown).unwrap();
    }
    assert_eq!(decoder.records(), 2 * decoder.blocks());
    assert!(names.iter().all(|name| name == "time.unix"));
    emitter.terminate();
    let log = BufReader::new(emitter.0.stderr.take().unwrap());
    assert!(
        log.lines()
            .map_while(Result::ok)
            .any(|line| line.starts_with("{\"topic\":\"t\""))
    );
    assert!(emitter.ends_well());
}
