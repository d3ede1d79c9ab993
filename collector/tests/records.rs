//! Streams that are as they should be: every record comes out of stdout as a line of JSON.

#![allow(clippy::unwrap_used)]

mod running;

use running::{Running, block, list, stream};
use rustix::net::sockopt::set_socket_send_buffer_size;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use serde_json::json;
use stats_schema::{Layout, MetricList};
use std::collections::BTreeSet;
use std::io::{Read, Write};

#[test]
fn both_layouts_become_json_lines() {
    let mut collector = Running::start(&[]);
    let lines = collector.stdout();
    for (layout, datapoint) in [
        (
            Layout::Old,
            json!({"name": "n", "time_ms": 1_472_688_000_123_u64, "value": 1.5, "type": "unknown", "sample_rate": 1.0}),
        ),
        (
            Layout::Typed,
            json!({"name": "n", "time_ms": 1_472_688_000_123_u64, "value": 1.5, "type": "counter", "sample_rate": 0.5}),
        ),
    ] {
        collector
            .connect()
            .write_all(&stream(layout, &[list("f", "n")]))
            .unwrap();
        let expected = json!({"topic": "f", "tags": [{"key": "container_id", "value": "c1"}], "datapoints": [datapoint]});
        assert_eq!(lines.next_json(), expected, "{layout:?}");
    }
    let balance = collector.terminate();
    assert_eq!(balance["connections_opened"], 2);
    assert_eq!(balance["datapoints_received"], 2);
    assert_eq!(balance["sinks"]["stdout"]["datapoints_written"], 2);
    assert_eq!(balance["balanced"], true);
}

#[test]
fn one_byte_at_a_time() {
    let mut collector = Running::start(&[]);
    let lines = collector.stdout();
    let mut connection = collector.connect();
    let mut bytes = stream(Layout::Typed, &[list("f", "first"), list("f", "second")]);
    bytes.extend(block(Layout::Typed, &[list("f", "third")]));
    for byte in bytes {
        connection.write_all(&[byte]).unwrap();
    }
    for name in ["first", "second", "third"] {
        assert_eq!(lines.next_json()["datapoints"][0]["name"], name);
    }
}

#[test]
fn a_connection_stuck_inside_a_block_holds_up_no_other() {
    let mut collector = Running::start(&[]);
    let lines = collector.stdout();
    let stuck_bytes = stream(Layout::Old, &[list("f", "stuck")]);
    let (most, last) = stuck_bytes.split_at(stuck_bytes.len() - 1);
    let mut stuck = collector.connect();
    stuck.write_all(most).unwrap();
    let mut other = collector.connect();
    other.write_all(Layout::Old.header()).unwrap();
    for _ in 0..3 {
        other
            .write_all(&block(Layout::Old, &[list("f", "other")]))
            .unwrap();
        assert_eq!(lines.next_json()["datapoints"][0]["name"], "other");
    }
    stuck.write_all(last).unwrap();
    assert_eq!(lines.next_json()["datapoints"][0]["name"], "stuck");
}

/// The open files that this process may have, and those that it starts from then on.
fn allow_descriptors(count: u64) {
    let limit = Rlimit {
        current: Some(count),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}

#[test]
fn two_thousand_connections_at_a_time() {
    const CONNECTIONS: usize = 2000;
    let needed = CONNECTIONS as u64 + 1000;
    if getrlimit(Resource::Nofile)
        .maximum
        .is_some_and(|most| most < needed)
    {
        eprintln!("skipped: the system allows this process fewer than {needed} open files");
        return;
    }
    // Too few for the collector, which has to raise that itself.
    allow_descriptors(1024);
    let mut collector = Running::start(&[]);
    allow_descriptors(needed);
    let lines = collector.stdout();
    let mut connections = Vec::new();
    let mut sent = BTreeSet::new();
    for number in 0..CONNECTIONS {
        let name = format!("n{number}");
        let mut connection = collector.connect();
        connection
            .write_all(&stream(Layout::Typed, &[list("f", &name)]))
            .unwrap();
        connections.push(connection);
        sent.insert(name);
    }
    let printed: BTreeSet<_> = (0..CONNECTIONS)
        .map(|_| {
            let name = &lines.next_json()["datapoints"][0]["name"];
            name.as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(printed, sent);
    // Not one was closed to make room for another.
    for mut connection in connections {
        connection.write_all(&block(Layout::Typed, &[])).unwrap();
    }
    let balance = collector.terminate();
    assert_eq!(balance["connections_opened"], CONNECTIONS);
    assert_eq!(balance["connections_closed"], CONNECTIONS);
    assert_eq!(balance["connections_refused"], 0);
    assert_eq!(balance["connections_failed"], json!({}));
    assert_eq!(balance["records_received"], CONNECTIONS);
    assert_eq!(balance["balanced"], true);
}

#[test]
fn a_signal_to_end_waits_for_everything_sent_before() {
    let mut collector = Running::start(&[]);
    let lines = collector.stdout();
    // More than the collector reads at once, and more than its socket takes, so that some waits in the sender's.
    let lists: Vec<MetricList> = (0..3000)
        .map(|number| list("f", &format!("metric.{number}")))
        .collect();
    let bytes = stream(Layout::Typed, &lists);
    let mut connections = [collector.connect(), collector.connect()];
    for connection in &mut connections {
        set_socket_send_buffer_size(&*connection, 2 * bytes.len()).unwrap();
        collector.logged("connection opened");
    }
    collector.signal(Signal::STOP);
    for connection in &mut connections {
        connection.write_all(&bytes).unwrap();
    }
    collector.signal(Signal::TERM);
    collector.signal(Signal::CONT);
    assert_eq!(lines.rest().len(), 2 * lists.len());
    let (status, log) = collector.wait();
    assert!(status.success(), "{status}: {log:?}");
    assert_eq!(running::balance(&log)["records_received"], 2 * lists.len());
}

#[test]
fn connections_that_were_not_yet_accepted_are_served_before_the_end() {
    let mut collector = Running::start(&[]);
    let lines = collector.stdout();
    collector.signal(Signal::STOP);
    let mut connections: Vec<_> = (0..10).map(|_| collector.connect()).collect();
    for connection in &mut connections {
        connection
            .write_all(&stream(Layout::Typed, &[list("f", "waiting")]))
            .unwrap();
    }
    collector.signal(Signal::INT);
    collector.signal(Signal::CONT);
    assert_eq!(lines.rest().len(), 10);
    assert!(collector.wait().0.success());
}

#[test]
fn beyond_the_allowance_of_a_connection_records_are_dropped_and_counted() {
    let mut collector = Running::start(&["--input-limit-amount-kbytes=4"]);
    let lines = collector.stdout();
    let (mut greedy, mut modest) = (collector.connect(), collector.connect());
    let block = block(Layout::Typed, &vec![list("f", "greedy"); 10]);
    greedy.write_all(Layout::Typed.header()).unwrap();
    // The first block is within the allowance, and so is the read that passes it, of at most 32 KiB.
    greedy.write_all(&block).unwrap();
    assert_eq!(lines.next_json()["datapoints"][0]["name"], "greedy");
    for _ in 0..200 {
        greedy.write_all(&block).unwrap();
    }
    drop(greedy);
    collector.logged("connection ended");
    modest
        .write_all(&stream(Layout::Typed, &[list("f", "modest")]))
        .unwrap();
    let printed = 1 + std::iter::repeat_with(|| lines.next_json())
        .take_while(|line| line["datapoints"][0]["name"] == "greedy")
        .count();
    let balance = collector.terminate();
    assert!(balance["records_throttled"].as_u64() > Some(0), "{balance}");
    assert_eq!(balance["records_throttled"], 2010 - printed);
    assert_eq!(balance["datapoints_throttled"], balance["records_throttled"]);
    assert_eq!(balance["records_received"], printed + 1);
    assert_eq!(balance["balanced"], true);
}

#[test]
fn a_peer_that_asks_is_told_what_was_taken_over() {
    let collector = Running::start(&[]);
    let told = |connection: &mut std::net::TcpStream| {
        let mut number = [0; 8];
        connection.read_exact(&mut number).unwrap();
        u64::from_be_bytes(number)
    };
    let mut connection = collector.connect();
    connection.write_all(Layout::Typed.connection_header()).unwrap();
    assert_eq!(told(&mut connection), 0);
    let block = block(Layout::Typed, &[list("f", "n")]);
    for number in 1..=3 {
        connection.write_all(&block).unwrap();
        assert_eq!(told(&mut connection), number);
    }
    // Half a block is not taken over, nor is one with a fault.
    let (half, rest) = block.split_at(block.len() / 2);
    connection.write_all(half).unwrap();
    connection.write_all(rest).unwrap();
    assert_eq!(told(&mut connection), 4);
    connection
        .write_all(&[block.clone(), vec![1; 40]].concat())
        .unwrap();
    assert_eq!(told(&mut connection), 5);
    running::wait_for_close(&mut connection);

    // Any other peer is told nothing.
    let mut silent = collector.connect();
    silent
        .write_all(&stream(Layout::Typed, &[list("f", "n")]))
        .unwrap();
    silent.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
    assert_eq!(collector.terminate()["records_received"], 6);
}

/// More numbers than all socket buffers hold.
#[test]
fn a_peer_that_asks_and_does_not_read_is_served_all_the_same() {
    let mut collector = Running::start(&[]);
    let _printed = collector.stdout();
    let mut connection = collector.connect();
    connection.write_all(Layout::Typed.connection_header()).unwrap();
    let block = block(Layout::Typed, &[list("f", "n")]);
    for _ in 0..2_000 {
        connection.write_all(&block).unwrap();
    }
    connection.shutdown(std::net::Shutdown::Write).unwrap();
    let mut told = Vec::new();
    connection.read_to_end(&mut told).unwrap();
    assert_eq!(told.len() % 8, 0);
    assert_eq!(told[told.len() - 8..], 2_000_u64.to_be_bytes());
    assert_eq!(collector.terminate()["records_received"], 2_000);
}
