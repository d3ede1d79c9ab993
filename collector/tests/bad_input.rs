//! Streams that are not as they should be: the connection is closed, the log says why, and no other connection notices.

#![allow(clippy::unwrap_used)]

mod running;

use running::{Lines, Running, block, list, stream, wait_for_close};
use stats_schema::{Layout, put_long};
use std::io::Write;
use std::net::TcpStream;

/// A collector with one good connection.
struct Served {
    collector: Running,
    lines: Lines,
    good: TcpStream,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let mut collector = Running::start(arguments);
        let lines = collector.stdout();
        let mut good = collector.connect();
        good.write_all(Layout::Typed.header()).unwrap();
        Self {
            collector,
            lines,
            good,
        }
    }

    fn check_good(&mut self) {
        self.good
            .write_all(&block(Layout::Typed, &[list("f", "good")]))
            .unwrap();
        assert_eq!(self.lines.next_json()["datapoints"][0]["name"], "good");
    }

    /// Sends `bytes` on a new connection and expects it to be closed for a reason that holds all of `reason`.
    fn refuses(&mut self, bytes: &[u8], reason: &[&str]) {
        self.check_good();
        let mut bad = self.collector.connect();
        // The collector may close before it has been sent everything.
        let _ = bad.write_all(bytes);
        wait_for_close(&mut bad);
        let logged = self.collector.logged("connection closed");
        let peer = bad.local_addr().unwrap().to_string();
        for part in ["WARN", peer.as_str()].iter().chain(reason) {
            assert!(logged.contains(part), "{part}: {logged}");
        }
        self.check_good();
    }
}

#[test]
fn garbage_and_hostile_sizes() {
    let mut served = Served::start(&[]);
    served.refuses(
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        &["header, at byte 0", "Avro object container file"],
    );

    // A header that announces a schema of 2^40 bytes.
    let mut header = b"Obj\x01\x02\x16avro.schema".to_vec();
    put_long(&mut header, 1 << 40);
    served.refuses(
        &header,
        &["header, at byte 17", "1099511627799", "allowed is 0 to 65536"],
    );

    // A block of more than --max-block-kbytes.
    let mut oversized = Layout::Old.header().to_vec();
    put_long(&mut oversized, 1);
    put_long(&mut oversized, (4096 << 10) + 1);
    served.refuses(&oversized, &["block 1, at byte 601", "4194305", "0 to 4194304"]);

    // A negative size.
    let mut negative = Layout::Old.header().to_vec();
    put_long(&mut negative, 1);
    put_long(&mut negative, -1);
    served.refuses(&negative, &["block 1, at byte 601", "is -1"]);

    // Another sync marker than the header's.
    let mut unsynced = stream(Layout::Old, &[list("f", "bad")]);
    *unsynced.last_mut().unwrap() = b'!';
    served.refuses(&unsynced, &["block 1", "sync marker"]);

    let balance = served.collector.terminate();
    assert_eq!(balance["connections_failed"], serde_json::json!({"invalid": 5}));
    assert_eq!(balance["connections_closed"], balance["connections_opened"]);
    assert_eq!(balance["records_received"], 10);
    assert_eq!(balance["balanced"], true);
}

#[test]
fn records_before_the_fault_are_kept() {
    let mut served = Served::start(&[]);
    let mut bytes = stream(Layout::Typed, &[list("f", "before")]);
    bytes.extend(b"\x02\x02?");
    bytes.extend([0; 16]);
    served.check_good();
    let mut bad = served.collector.connect();
    bad.write_all(&bytes).unwrap();
    assert_eq!(served.lines.next_json()["datapoints"][0]["name"], "before");
    served.collector.logged("block 2");
    served.check_good();
}

#[test]
fn a_stream_that_ends_inside_a_block() {
    let mut served = Served::start(&[]);
    let bytes = stream(Layout::Old, &[list("f", "cut")]);
    served
        .collector
        .connect()
        .write_all(&bytes[..bytes.len() - 1])
        .unwrap();
    let logged = served.collector.logged("connection closed");
    assert!(
        logged.contains(&format!("ends at byte {}, inside a block", bytes.len() - 1)),
        "{logged}"
    );
    served.check_good();
    assert_eq!(
        served.collector.terminate()["connections_failed"],
        serde_json::json!({"truncated": 1})
    );
}

#[test]
fn unfinished_blocks_share_a_budget() {
    let mut served = Served::start(&["--max-unfinished-kbytes", "100"]);
    let unfinished = |kbytes: usize| {
        let mut bytes = Layout::Old.header().to_vec();
        put_long(&mut bytes, 1);
        put_long(&mut bytes, 1 << 20);
        bytes.resize(bytes.len() + kbytes * 1024, 0);
        bytes
    };
    // Within the 64 kB that are free for all, and within the budget.
    let mut small = served.collector.connect();
    small.write_all(&unfinished(60)).unwrap();
    let mut large = served.collector.connect();
    large.write_all(&unfinished(150)).unwrap();
    served.refuses(&unfinished(180), &["--max-unfinished-kbytes"]);
    // What the closed connection had held is free again.
    drop(large);
    served.collector.logged("inside a block");
    let mut next = served.collector.connect();
    next.write_all(&unfinished(150)).unwrap();
    drop(next);
    served.collector.logged("inside a block");
    assert_eq!(
        served.collector.terminate()["connections_failed"],
        serde_json::json!({"memory": 1, "truncated": 3})
    );
}

#[test]
fn more_connections_than_allowed_are_refused() {
    let mut served = Served::start(&["--max-connections", "1"]);
    served.check_good();
    wait_for_close(&mut served.collector.connect());
    let logged = served.collector.logged("connection refused");
    assert!(
        logged.contains("WARN") && logged.contains("--max-connections"),
        "{logged}"
    );
    served.check_good();
    drop(served.good);
    served.collector.logged("connection ended");
    served.good = served.collector.connect();
    served.good.write_all(Layout::Typed.header()).unwrap();
    served.check_good();
    let balance = served.collector.terminate();
    assert_eq!(
        (&balance["connections_refused"], &balance["connections_opened"]),
        (&1.into(), &2.into())
    );
}
