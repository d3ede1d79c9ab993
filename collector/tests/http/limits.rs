//! Who may ask, and how much.

use crate::client::{PATIENCE, exchange, get, metrics, read, send};
use crate::running::Running;
use std::io::{Read, Write};
use std::net::TcpStream;

const PATHS: [&str; 7] = [
    "/",
    "/page.css",
    "/page.js",
    "/status.json",
    "/health",
    "/metrics",
    "/v0/containers",
];

#[test]
fn get_and_head_only() {
    let collector = Running::start(&[]);
    for path in PATHS {
        let request = |method: &str| {
            let text = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
            exchange(collector.http(), &text)
        };
        let head = request("HEAD");
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            let refused = request(method);
            assert_eq!(
                (refused.status, refused.header("allow")),
                (405, Some("get,head")),
                "{method} {path}"
            );
        }
    }
    assert_eq!(get(collector.http(), "/v0").status, 404);
}

#[test]
fn no_answer_is_for_pages_of_others() {
    let collector = Running::start(&[]);
    for path in PATHS.iter().chain(&["/nothing", "/v0/node"]) {
        let request = |host: &str| {
            let text = format!(
                "GET {path} HTTP/1.1\r\n{host}Origin: http://evil.example\r\nConnection: close\r\n\r\n"
            );
            exchange(collector.http(), &text)
        };
        for host in [
            "Host: localhost\r\n",
            "Host: [::1]:9273\r\n",
            "Host: 127.0.0.1\r\n",
        ] {
            let answer = request(host);
            assert!(answer.status < 405, "{path}: {answer:?}");
            assert!(!answer.head.contains("access-control"), "{path}: {answer:?}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
            let policy = answer.header("content-security-policy").unwrap();
            assert!(
                policy.starts_with("default-src 'none';") && !policy.contains("unsafe"),
                "{path}"
            );
        }
        let rebound = request("Host: evil.example:9273\r\n");
        assert_eq!(rebound.status, 421, "{path}");
        assert!(rebound.body.contains("localhost"), "{rebound:?}");
    }
}

#[test]
fn a_head_without_end_is_refused() {
    let collector = Running::start(&[]);
    let mut connection = TcpStream::connect(collector.http()).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        .unwrap();
    // Exactly as much as may be, so that nothing unread makes the system reset the connection before the answer is read.
    connection.write_all(&[b'x'; 16 * 1024]).unwrap();
    assert_eq!(read(&mut connection).status, 431);
}

#[test]
fn connections_are_bounded_and_silent_ones_are_closed() {
    let collector = Running::start(&[]);
    let mut silent: Vec<_> = (0..64)
        .map(|_| TcpStream::connect(collector.http()).unwrap())
        .collect();
    // Answered when one of the others is closed, by the collector itself.
    assert_eq!(get(collector.http(), "/health").status, 200);
    for connection in &mut silent {
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(connection.read(&mut [0]).unwrap_or_default(), 0);
    }
}

#[test]
fn readers_that_do_not_read_hold_up_nothing_else() {
    let mut collector = Running::start(&[]);
    // Read, so that stdout takes everything.
    let _printed = collector.stdout();
    let name = "n".repeat(300);
    let names: Vec<_> = (0..20_000).map(|number| format!("{name}.{number}")).collect();
    let datapoints: Vec<_> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
    for datapoints in datapoints.chunks(5000) {
        send(&collector, &[metrics("f", &[("container_id", "c1")], datapoints)]);
    }
    // More than socket buffers hold, asked for more often than answers are kept.
    let slow: Vec<_> = (0..12)
        .map(|_| {
            let mut connection = TcpStream::connect(collector.http()).unwrap();
            let request = "GET /v0/containers/c1/app HTTP/1.1\r\nHost: localhost\r\n\r\n";
            connection.write_all(request.as_bytes()).unwrap();
            connection
        })
        .collect();
    let refused = get(collector.http(), "/v0/debug");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("10")));
    assert_eq!(get(collector.http(), "/health").status, 200);
    send(
        &collector,
        &[metrics("f", &[("container_id", "c2")], &[("n", 1.0)])],
    );
    drop(slow);
    crate::client::get_until(collector.http(), "/v0/containers", |answer| {
        answer.body == r#"["c1","c2"]"#
    });
}
