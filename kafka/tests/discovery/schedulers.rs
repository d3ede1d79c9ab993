//! Schedulers that answer what they should not.

use crate::{at, refusal, scheduler};
use stats_kafka::local::NameServer;
use stats_kafka::{Discovery, DiscoveryError};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

/// The error about a scheduler on this port; None without a name server.
fn error_at(port: u16, timeout: Duration) -> Option<String> {
    let dns = NameServer::start(&[
        format!("--srv-host=_kafka._tcp.marathon.mesos,kafka.mesos,{port},0,0"),
        "--host-record=kafka.mesos,127.0.0.1".to_owned(),
    ])?;
    let settings = Discovery {
        timeout,
        ..at(dns.address())
    };
    match refusal(&settings) {
        DiscoveryError::Brokers { framework, reason } => {
            assert_eq!(framework, "kafka");
            // The target is the framework's own name, so that it is asked only once.
            let place = format!("http://kafka.mesos:{port}/v1/connection: ");
            Some(reason.strip_prefix(&place).unwrap().to_owned())
        }
        other => panic!("{other}"),
    }
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn answers_that_are_no_list() {
    for (status, body, expected) in [
        (
            "500 Internal Server Error",
            r#"{"dns":["b:1"]}"#,
            "HTTP status 500",
        ),
        ("302 Found", "", "HTTP status 302"),
        ("204 No Content", "", "HTTP status 204"),
        ("200 OK", "", "no JSON"),
        ("200 OK", "<html></html>", "no JSON"),
        ("200 OK", r#"{"dns":"b:1"}"#, "not an array"),
        ("200 OK", r#"{"dns":["b"]}"#, "not host:port"),
    ] {
        let (port, _heads) = scheduler::with_body(status, body.to_owned());
        let Some(error) = error_at(port, LONG) else { return };
        assert!(error.contains(expected), "{status} {body}: {error}");
    }
}

/// Writes `count` megabytes, unless nobody reads them.
fn megabytes(stream: &mut TcpStream, count: u32) -> std::io::Result<()> {
    let megabyte = vec![b' '; 1 << 20];
    (0..count).try_for_each(|_| stream.write_all(&megabyte))
}

#[test]
fn an_answer_of_100_mb() {
    let answers: [fn(&mut TcpStream) -> std::io::Result<()>; 2] = [
        |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")?;
            megabytes(stream, 100)
        },
        // Does not say how much it will be.
        |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            megabytes(stream, 100)
        },
    ];
    for answer in answers {
        let (port, _heads) = scheduler::start(answer);
        let Some(error) = error_at(port, LONG) else { return };
        assert_eq!(error, "the answer is longer than 1048576 bytes");
    }
}

#[test]
fn connections_that_break() {
    let answers: [fn(&mut TcpStream) -> std::io::Result<()>; 4] = [
        |_| Ok(()),
        |stream| stream.write_all(b"nonsense\r\n\r\n"),
        |stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"dns\""),
        // A head without an end.
        |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nX: ")?;
            megabytes(stream, 100)
        },
    ];
    for answer in answers {
        let (port, _heads) = scheduler::start(answer);
        let Some(error) = error_at(port, LONG) else { return };
        assert!(!error.is_empty());
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let Some(error) = error_at(port, LONG) else { return };
    assert!(error.contains("refused"), "{error}");
}

#[test]
fn an_answer_that_takes_too_long() {
    // Goes on for ever, a byte at a time, and always in time for a limit on single reads.
    let (port, _heads) = scheduler::start(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")?;
        loop {
            stream.write_all(b" ")?;
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let Some(error) = error_at(port, Duration::from_secs(2)) else {
        return;
    };
    assert!(error.contains("timeout"), "{error}");
}
