use super::*;
use crate::datagrams::receiver::Receiver;
use clap::{CommandFactory, FromArgMatches, Parser};
use serde_json::Value;
use stats_schema::{DatapointRef, MetricType, TagRef};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    statsd: StatsdOptions,
}

fn options(arguments: &[&str]) -> Result<StatsdOptions, clap::Error> {
    let matches = Program::command().try_get_matches_from(["program"].iter().chain(arguments))?;
    Ok(Program::from_arg_matches(&matches)?.statsd)
}

fn point<'a>(name: &'a str, metric_type: MetricType, value: f64) -> DatapointRef<'a> {
    DatapointRef {
        name,
        time_ms: 0,
        value,
        metric_type,
        sample_rate: 1.0,
        text: None,
    }
}

const TAGS: &[TagRef<'_>] = &[TagRef { key: "k", value: "v" }];

fn batch(records: &[&[DatapointRef<'_>]]) -> Batch {
    let mut batch = Batch::default();
    for datapoints in records {
        batch.push(&RecordRef {
            topic: "t",
            tags: TAGS,
            datapoints,
        });
    }
    batch
}

/// A server of our own, and a sink for it.
fn sink(arguments: &[&str]) -> (Receiver, Statsd) {
    let server = Receiver::new();
    let endpoint = format!("--statsd-output={}", server.address());
    let arguments: Vec<_> = arguments.iter().copied().chain([endpoint.as_str()]).collect();
    let sink = Statsd::open(&options(&arguments).unwrap()).unwrap().unwrap();
    (server, sink)
}

#[test]
fn command_line() {
    assert_eq!(options(&[]).unwrap().server, None);
    assert!(Statsd::open(&options(&[]).unwrap()).unwrap().is_none());
    for (argument, expected) in [
        ("--statsd-output-tags", true),
        ("--statsd-output-tags=T", true),
        ("--statsd-output-tags=0", false),
        ("--statsd-output-tags=False", false),
    ] {
        assert_eq!(options(&[argument]).unwrap().tags, expected, "{argument}");
    }
    for (argument, parts) in [
        ("--statsd-output-tags=no", ["'no'", "true or false"]),
        ("--statsd-output-max-bytes=63", ["63", "64..=65507"]),
        ("--statsd-output-max-bytes=65508", ["65508", "64..=65507"]),
        ("--statsd-output=:8125", ["':8125'", "HOST:PORT"]),
    ] {
        let error = options(&[argument]).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
}

#[test]
fn full_datagrams_then_the_rest_of_the_batch() {
    let (server, mut sink) = sink(&["--statsd-output-max-bytes=64"]);
    let output = Output::default();
    let name = "n".repeat(19);
    // 32 bytes each: two and a newline are one too many, so the second line of 31 makes a datagram of 64.
    let (long, short) = (
        point(&name, MetricType::Counter, 12345.0),
        point(&name, MetricType::Counter, 1234.0),
    );
    let outcome = sink
        .write(
            &batch(&[&[long, long, short], &[point("g", MetricType::Gauge, 1.0)]]),
            &output,
        )
        .unwrap();
    assert_eq!(outcome, Outcome::Counted);
    let (long, short) = (format!("{name}:12345|c|#k:v"), format!("{name}:1234|c|#k:v"));
    assert_eq!((long.len(), short.len()), (32, 31));
    assert_eq!(server.next(), long);
    assert_eq!(server.next(), format!("{long}\n{short}"));
    assert_eq!(server.next(), "g:1|g|#k:v");
    assert_eq!(output.written.get(), (2, 4));
    assert_eq!(output.bytes_written.get(), 32 + 64 + 10);
}

#[test]
fn everything_is_written_or_dropped_for_a_reason() {
    let (server, mut sink) = sink(&["--statsd-output-max-bytes=64", "--statsd-output-tags=false"]);
    let output = Output::default();
    let name = "n".repeat(60);
    let (nan, large) = (
        point("n", MetricType::Timer, f64::NAN),
        point(&name, MetricType::Gauge, 1.5),
    );
    let good = point("n", MetricType::Timer, 2.5);
    sink.write(
        &batch(&[&[nan, good, large], &[large, nan], &[], &[large]]),
        &output,
    )
    .unwrap();
    assert_eq!(server.next(), "n:2.5|ms");
    assert_eq!(output.written.get(), (2, 1));
    assert_eq!(output.dropped(Reason::NoNumber).get(), (1, 2));
    assert_eq!(output.dropped(Reason::TooLarge).get(), (1, 3));
}

#[test]
fn a_gauge_below_zero_is_never_torn_apart() {
    let (server, mut sink) = sink(&["--statsd-output-max-bytes=64"]);
    let gauge = point("gauge", MetricType::Gauge, -123.5);
    sink.write(&batch(&[&[gauge, gauge, gauge]]), &Output::default())
        .unwrap();
    for _ in 0..3 {
        assert_eq!(server.next(), "gauge:0|g|#k:v\ngauge:-123.5|g|#k:v");
    }
}

#[test]
fn a_server_that_is_not_there_is_a_problem_until_it_is() {
    let (server, mut sink) = sink(&[]);
    let address = server.address();
    drop(server);
    let output = Output::default();
    let one = batch(&[&[point("n", MetricType::Counter, 1.0)]]);
    for _ in 0..3 {
        sink.write(&one, &output).unwrap();
    }
    assert_eq!(output.dropped(Reason::WriteFailed).get(), (3, 3));
    let problem = output.problem().unwrap();
    assert!(
        problem.contains(&address.to_string()) && problem.contains("refused"),
        "{problem}"
    );
    let server = Receiver::at(address);
    sink.write(&one, &output).unwrap();
    assert_eq!(server.next(), "n:1|c|#k:v");
    assert!(output.problem().is_some(), "not sure yet");
    sink.quiet = Duration::ZERO;
    sink.write(&one, &output).unwrap();
    assert_eq!((output.problem(), output.written.get()), (None, (2, 2)));
}

/// What statsd shows its backends, as JSON on stdout.
const BACKEND: &str = "
exports.init = (startup, config, events) => {
  events.on('flush', (time, metrics) => {
    const sets = Object.fromEntries(Object.entries(metrics.sets).map(([name, set]) => [name, set.values()]));
    const {counters, gauges, timers, timer_counters} = metrics;
    console.log(JSON.stringify({counters, gauges, timers, timer_counters, sets}));
  });
  return true;
};";

/// The statsd of npm, if it is installed.
fn installed() -> Option<String> {
    let path = [
        std::env::var("STATSD_JS").unwrap_or_default().as_str(),
        "/usr/lib/node_modules/statsd/stats.js",
        "/usr/local/lib/node_modules/statsd/stats.js",
    ]
    .into_iter()
    .find(|path| Path::new(path).exists())
    .map(str::to_owned);
    if path.is_none() {
        eprintln!(
            "skipped: statsd is not installed; npm install --global statsd, or its stats.js in STATSD_JS"
        );
    }
    path
}

#[test]
fn the_statsd_server_sees_what_the_task_sent() {
    let Some(statsd) = installed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let management = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let (backend, config) = (folder.path().join("backend.js"), folder.path().join("config.js"));
    std::fs::write(&backend, BACKEND).unwrap();
    let text = format!(
        "{{address: '127.0.0.1', port: {port}, mgmt_address: '127.0.0.1', mgmt_port: {management}, flushInterval: 100, \
          backends: [{backend:?}]}}"
    );
    std::fs::write(&config, text).unwrap();
    let mut server = Command::new("node")
        .arg(statsd)
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", management)).is_err() {
        assert!(Instant::now() < until && server.try_wait().unwrap().is_none());
        // There is no event to wait for in another program.
        std::thread::sleep(Duration::from_millis(20));
    }

    let endpoint = format!("--statsd-output=127.0.0.1:{port}");
    let mut sink = Statsd::open(&options(&[&endpoint, "--statsd-output-max-bytes=100"]).unwrap())
        .unwrap()
        .unwrap();
    let sampled = |value| DatapointRef {
        sample_rate: 0.1,
        ..point("timer", MetricType::Timer, value)
    };
    let member = |text| DatapointRef {
        text: Some(text),
        ..point("set", MetricType::Set, 0.0)
    };
    // As the module records `counter:3|c|@0.1`.
    let counter = DatapointRef {
        sample_rate: 0.1,
        ..point("counter", MetricType::Counter, 30.0)
    };
    let output = Output::default();
    let points = [
        counter,
        counter,
        point("gauge", MetricType::Gauge, 7.0),
        point("gauge", MetricType::Gauge, -2.5),
        point("gauge", MetricType::GaugeDelta, 10.0),
        point("gauge", MetricType::GaugeDelta, -1.0),
        sampled(320.0),
        sampled(5.5),
        member("bob"),
        member("alice"),
        member("bob"),
        point("end", MetricType::Gauge, 1.0),
    ];
    sink.write(&batch(&[&points]), &output).unwrap();
    assert_eq!(output.written.get(), (1, 12));

    let (mut counter, mut timers, mut weight, mut members) = (0.0, Vec::new(), 0.0, Vec::new());
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let gauges = loop {
        let line = lines.next().expect("statsd ended").unwrap();
        let Ok(flush) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        counter += flush["counters"]["counter;k=v"].as_f64().unwrap_or(0.0);
        timers.extend(
            flush["timers"]["timer;k=v"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_f64),
        );
        weight += flush["timer_counters"]["timer;k=v"].as_f64().unwrap_or(0.0);
        members.extend(flush["sets"]["set;k=v"].as_array().into_iter().flatten().cloned());
        if flush["gauges"]["end;k=v"].is_number() {
            assert_eq!(flush["counters"]["statsd.bad_lines_seen"], 0);
            break flush["gauges"].clone();
        }
    };
    server.kill().unwrap();
    server.wait().unwrap();
    timers.sort_by(f64::total_cmp);
    members.sort_by_key(ToString::to_string);
    members.dedup();
    assert_eq!((counter, weight, timers), (60.0, 20.0, vec![5.5, 320.0]));
    assert_eq!(gauges["gauge;k=v"], 6.5);
    assert_eq!(members, ["alice", "bob"]);
}
