//! The collector itself with an agent that is broken or means harm: the log says what is wrong with which question, a
//! counter goes up, memory stays bounded, and records that come over TCP meanwhile are printed as ever.

use crate::client::get_until;
use crate::running::{Running, list, stream};
use crate::server::{Request, Server, file, write};
use stats_schema::Layout;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::sleep;
use std::time::Duration;

/// How the agent answers when it is asked for its state. The other questions it answers as it should.
type Answer = fn(&mut TcpStream);

/// Twice what an idle collector of a debug build takes.
const FEW: u64 = 40 << 20;

/// An answer of which nothing is known before its end is read up to 64 MiB.
const ONE_ANSWER: u64 = FEW + (64 << 20);

/// The length of what is too long.
const HUGE: usize = 100 << 20;

const FAILURES: &str = "query_failures";

#[test]
fn whatever_the_agent_does_records_go_on() {
    let cases: [(&str, Answer, &str, &str, u64); 10] = [
        (
            "100 MB, announced",
            announced,
            "more than 67108864 bytes",
            FAILURES,
            FEW,
        ),
        (
            "100 MB, not announced",
            unannounced,
            "more than 67108864 bytes",
            FAILURES,
            ONE_ANSWER,
        ),
        ("a header without end", endless_header, "header", FAILURES, FEW),
        (
            "not a word",
            silence,
            "no complete answer within 500 ms (--agent-timeout-ms)",
            FAILURES,
            FEW,
        ),
        (
            "drop by drop",
            drip,
            "no complete answer within 500 ms (--agent-timeout-ms)",
            FAILURES,
            FEW,
        ),
        (
            "401",
            |stream| write(stream, 401, ""),
            "HTTP status 401 (the agent wants another credential",
            FAILURES,
            FEW,
        ),
        (
            "500",
            |stream| write(stream, 500, "out of order"),
            "HTTP status 500: out of order",
            FAILURES,
            FEW,
        ),
        (
            "an array",
            |stream| write(stream, 200, "[]"),
            "not the expected JSON",
            "query_bad_data",
            FEW,
        ),
        ("broken off", broken_off, "", FAILURES, FEW),
        (
            "closed at once",
            |stream| drop(stream.shutdown(Shutdown::Both)),
            "",
            FAILURES,
            FEW,
        ),
    ];
    for (name, answer, reason, counter, most_bytes) in cases {
        eprintln!("the state: {name}");
        check(answer, reason, counter, most_bytes);
    }
}

fn check(answer: Answer, reason: &str, counter: &str, most_bytes: u64) {
    let agent = Server::start(move |request: &Request, stream| match &*request.line {
        "GET /state" => answer(stream),
        _ => write(stream, 200, file(request)),
    });
    let url = format!("--agent-url={}", agent.url);
    // For the whole of the large answers, half a second may be too short.
    let timeout = if reason.contains("500 ms") { 500 } else { 60_000 };
    let mut collector = Running::start(&[
        "--agent-polling=true",
        &url,
        &format!("--agent-timeout-ms={timeout}"),
    ]);
    let lines = collector.stdout();
    assert_eq!(agent.next().line, "GET /state");
    // One that need not wait for the agent, as those of a new container do.
    let mut record = list("f", "meanwhile");
    record.tags.clear();
    let bytes = stream(Layout::Typed, &[record]);
    collector.connect().write_all(&bytes).unwrap();
    lines.find("meanwhile");

    let logged = collector.logged("Agent state: ");
    let question = format!("GET {}/state: ", agent.url);
    for part in ["WARN", &question, reason] {
        assert!(logged.contains(part), "{part}: {logged}");
    }
    let sum = format!("dcos_metrics_collector_agent_poll_{counter}_total ");
    get_until(collector.http(), "/metrics", |page| {
        let mut values = page.body.lines().filter_map(|line| line.strip_prefix(&sum));
        values.next().unwrap().parse::<u64>().unwrap() > 0
    });
    let process = procfs::process::Process::new(collector.child.id().cast_signed()).unwrap();
    let peak_bytes = process.status().unwrap().vmhwm.unwrap() * 1024;
    eprintln!("  {} kB at most", peak_bytes / 1024);
    assert!(peak_bytes < most_bytes, "{peak_bytes} bytes");
}

fn announced(stream: &mut TcpStream) {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {HUGE}\r\n\r\n");
    flood(stream, &head, HUGE);
}

fn unannounced(stream: &mut TcpStream) {
    flood(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", HUGE);
}

fn endless_header(stream: &mut TcpStream) {
    flood(stream, "HTTP/1.1 200 OK\r\nX: ", usize::MAX);
}

/// Writes until the collector does not take it any more.
fn flood(stream: &mut TcpStream, head: &str, bytes: usize) {
    let _ = stream.write_all(head.as_bytes());
    let part = [b' '; 64 << 10];
    let mut written = 0;
    while written < bytes && stream.write_all(&part).is_ok() {
        written += part.len();
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn silence(stream: &mut TcpStream) {
    // Until the collector closes the connection.
    let _ = stream.read(&mut [0]);
}

fn drip(stream: &mut TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{");
    while stream.write_all(b" ").is_ok() {
        sleep(Duration::from_millis(20));
    }
}

fn broken_off(stream: &mut TcpStream) {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"id\"");
    let _ = stream.shutdown(Shutdown::Both);
}
