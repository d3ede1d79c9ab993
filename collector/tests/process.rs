//! How the process starts and ends: its command line, its environment, signals, and what it writes to.

#![allow(clippy::unwrap_used)]

mod running;

use running::{Running, balance, block, collector, list, stream};
use rustix::process::Signal;
use stats_schema::{Layout, MetricList};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = collector().args(["--listen", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(log.matches("ERROR").count(), 1, "{log}");
    for part in [
        "ERROR",
        &format!("Cannot listen on {address}"),
        "in use",
        "--listen",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
}

#[test]
fn old_spellings_on_the_command_line_and_in_the_environment() {
    let mut commands = [collector(), collector(), collector(), collector(), collector()];
    commands[0].arg("-listen-endpont=127.0.0.1:0");
    commands[1].args(["--listen-endpoint", "127.0.0.1:0"]);
    commands[2].env("LISTEN_ENDPONT", "127.0.0.1:0");
    commands[3]
        .env("LISTEN_ENDPOINT", "127.0.0.1:0")
        .env("LISTEN", "");
    commands[4]
        .env("LISTEN", "127.0.0.1:1")
        .arg("-listen=127.0.0.1:0");
    for command in &mut commands {
        let running = Running::spawn(command);
        assert!(TcpStream::connect(&running.address).is_ok(), "{command:?}");
    }
    let output = collector()
        .env("LISTEN", "127.0.0.1:1")
        .env("LISTEN_ENDPONT", "127.0.0.1:2")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("LISTEN_ENDPONT=\"127.0.0.1:2\""), "{log}");
}

#[test]
fn a_file_sets_options_and_a_missing_one_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("collector.toml");
    std::fs::write(&file, "listen = '127.0.0.1:0'\nmax-connections = 7\n").unwrap();
    let running = Running::spawn(collector().arg("-config").arg(&file).env("MAX_CONNECTIONS", "9"));
    assert!(
        running.before_listening[0].ends_with(" LISTEN=127.0.0.1:0 MAX_CONNECTIONS=9"),
        "{:?}",
        running.before_listening
    );
    std::fs::remove_file(&file).unwrap();
    let output = collector().env("CONFIG", &file).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("collector.toml: No such file"), "{log}");
}

/// Findings by option, and the exit status.
fn check(arguments: &[&str]) -> (Vec<(bool, String)>, Option<i32>) {
    let output = collector()
        .args(["--check", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])
        .args(arguments)
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let findings = lines.lines().map(|line| {
        let (ok, finding) = line.split_once(' ').unwrap();
        (ok == "ok", finding.trim_start().to_owned())
    });
    (findings.collect(), output.status.code())
}

#[test]
fn check_says_what_can_work_and_what_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("--file={}", folder.path().display());
    let (findings, status) = check(&["--statsd-output=127.0.0.1:8125", &file]);
    assert_eq!(status, Some(0), "{findings:?}");
    let options: Vec<_> = findings
        .iter()
        .map(|(_, text)| text.split(':').next().unwrap())
        .collect();
    assert_eq!(options, ["--listen", "--http", "--statsd-output", "--file"]);

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let wrong = [
        format!("--listen={taken}"),
        "--statsd-output=no.such.host.invalid:1".to_owned(),
        "--file=/dev/null/x".to_owned(),
        "--agent-polling=true".to_owned(),
        "--agent-url=http://127.0.0.1:1".to_owned(),
        "--kafka-brokers=127.0.0.1:1".to_owned(),
        "--kafka-password=hush".to_owned(),
    ];
    let (findings, status) = check(&wrong.each_ref().map(String::as_str));
    assert_eq!(status, Some(1), "{findings:?}");
    for (ok, option, part) in [
        (false, "--listen: ", "in use"),
        (true, "--http: ", "is free"),
        (false, "--agent-polling: ", "127.0.0.1:1"),
        (false, "--kafka: ", "127.0.0.1:1"),
        (false, "--statsd-output: ", "no.such.host.invalid"),
        (false, "--file: ", "/dev/null/x"),
    ] {
        let found = findings.iter().find(|(_, text)| text.starts_with(option));
        assert!(
            found.is_some_and(|(is_ok, text)| *is_ok == ok && text.contains(part)),
            "{option} {findings:?}"
        );
    }
    assert!(!format!("{findings:?}").contains("hush"));
}

#[test]
fn what_a_killed_collector_held_is_counted_by_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let books = format!("--books={}", directory.path().join("books").display());
    // Nobody reads its stdout, so most of what it takes over it can only hold.
    let collector = Running::start(&[&books]);
    let mut connection = collector.connect();
    connection.write_all(Layout::Typed.connection_header()).unwrap();
    for _ in 0..5 {
        connection.write_all(&large_block()).unwrap();
    }
    let mut told = [0; 8];
    while u64::from_be_bytes(told) < 5 {
        std::io::Read::read_exact(&mut connection, &mut told).unwrap();
    }
    collector.signal(Signal::KILL);
    drop(collector);

    let next = Running::start(&[&books]);
    let line = next
        .before_listening
        .iter()
        .find(|line| line.contains("was killed"));
    let held = line
        .unwrap()
        .split_whitespace()
        .find_map(|word| word.parse::<u64>().ok());
    // What fits into a pipe was written.
    assert!((3000..=5000).contains(&held.unwrap()), "{line:?}");
    let balance = next.terminate();
    assert_eq!(
        balance["sinks"]["stdout"]["datapoints_lost_before"],
        held.unwrap()
    );
    let last = Running::start(&[&books]);
    assert!(
        !last
            .before_listening
            .iter()
            .any(|line| line.contains("was killed"))
    );
}

#[test]
fn when_nobody_reads_stdout_any_more_it_ends_with_one_line() {
    let mut collector = Running::start(&[]);
    let mut lines = collector.connect();
    collector.stdout = None;
    lines
        .write_all(&stream(Layout::Typed, &[list("f", "n")]))
        .unwrap();
    let (status, log) = collector.wait();
    assert_eq!(status.code(), Some(1), "{log:?}");
    let errors: Vec<_> = log.iter().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(errors.len(), 1, "{log:?}");
    assert!(
        errors[0].contains("stdout") && errors[0].contains("Broken pipe"),
        "{errors:?}"
    );
    assert!(!log.iter().any(|line| line.contains("panic")), "{log:?}");
    let dropped = &balance(&log)["sinks"]["stdout"]["datapoints_dropped"];
    assert_eq!(*dropped, serde_json::json!({"write_failed": 1}));
}

/// Blocks of which a pipe holds few.
fn large_block() -> Vec<u8> {
    let lists: Vec<MetricList> = (0..1000)
        .map(|number| list("f", &format!("metric.{number}")))
        .collect();
    block(Layout::Typed, &lists)
}

#[test]
fn a_reader_that_does_not_read_costs_the_oldest_records_and_does_not_stop_the_input() {
    let mut collector = Running::start(&["--output-queue-kbytes", "1024"]);
    let mut connection = collector.connect();
    connection.write_all(Layout::Typed.header()).unwrap();
    let block = large_block();
    // More than queue, pipe and all socket buffers hold together; this would never end if the input were held up.
    for _ in 0..300 {
        connection.write_all(&block).unwrap();
    }
    connection
        .write_all(&stream(Layout::Typed, &[list("f", "newest")])[Layout::Typed.header().len()..])
        .unwrap();
    drop(connection);
    collector.logged("connection ended");
    let lines = collector.stdout();
    collector.signal(Signal::TERM);
    let printed = lines.rest();
    assert!(printed.last().unwrap().contains("newest"));
    let (status, log) = collector.wait();
    assert!(status.success(), "{log:?}");
    let balance = balance(&log);
    let stdout = &balance["sinks"]["stdout"];
    assert_eq!(stdout["records_written"], printed.len());
    assert_eq!(stdout["records_dropped"]["queue_full"], 300_001 - printed.len());
    assert_eq!(balance["balanced"], true);
}

#[test]
fn a_second_signal_ends_at_once() {
    let collector = Running::start(&[]);
    let mut connection = collector.connect();
    connection.write_all(Layout::Typed.header()).unwrap();
    // The pipe is full, so the first signal has to wait.
    connection.write_all(&large_block()).unwrap();
    collector.signal(Signal::TERM);
    collector.logged("Ending on SIGTERM");
    collector.signal(Signal::INT);
    let (status, log) = collector.wait();
    assert_eq!((status.code(), status.signal()), (Some(130), None), "{log:?}");
    assert!(log.iter().any(|line| line.contains("second signal")), "{log:?}");
}
