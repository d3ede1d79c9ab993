//! Brokers that are found, through dnsmasq.

use crate::{at, kafka, refusal, scheduler};
use stats_kafka::local::NameServer;
use stats_kafka::{await_brokers, discover};
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

fn srv(port: u16, priority: u16, target: &str) -> String {
    format!("--srv-host=_kafka._tcp.marathon.mesos,{target},{port},{priority},0")
}

fn host(name: &str) -> String {
    format!("--host-record={name},127.0.0.1")
}

fn brokers(names: &[&str]) -> String {
    serde_json::json!({"address": ["192.0.2.1:9092"], "dns": names}).to_string()
}

#[test]
fn at_the_target_of_the_record() {
    let (port, heads) = scheduler::with_body(
        "200 OK",
        brokers(&["b-0.kafka.mesos:9092", "b-1.kafka.mesos:9093"]),
    );
    let records = [srv(port, 0, "s.kafka.mesos"), host("s.kafka.mesos")];
    let Some(dns) = NameServer::start(&records) else {
        return;
    };
    let found = discover(&kafka(), &at(dns.address())).unwrap();
    assert_eq!(found, ["b-0.kafka.mesos:9092", "b-1.kafka.mesos:9093"]);
    let head = heads.recv().unwrap().to_lowercase();
    assert!(head.starts_with("get /v1/connection http/1.1\n"), "{head}");
    assert!(head.contains(&format!("host: s.kafka.mesos:{port}")), "{head}");
}

#[test]
fn at_the_name_of_the_framework_if_the_target_is_gone() {
    let (port, heads) = scheduler::with_body("200 OK", brokers(&["b:1"]));
    let records = [srv(port, 0, "gone.mesos"), host("kafka.mesos")];
    let Some(dns) = NameServer::start(&records) else {
        return;
    };
    assert_eq!(discover(&kafka(), &at(dns.address())).unwrap(), ["b:1"]);
    let head = heads.recv().unwrap().to_lowercase();
    assert!(head.contains(&format!("host: kafka.mesos:{port}")), "{head}");
}

#[test]
fn the_record_with_the_lowest_priority_first() {
    let (first, _first_heads) = scheduler::with_body("200 OK", brokers(&["first:1"]));
    let (second, second_heads) = scheduler::with_body("200 OK", brokers(&["second:1"]));
    let mut records = [
        host("s.mesos"),
        srv(second, 20, "s.mesos"),
        srv(first, 10, "s.mesos"),
    ];
    // Whatever order the server makes of them.
    for _ in 0..2 {
        records.reverse();
        let Some(dns) = NameServer::start(&records) else {
            return;
        };
        assert_eq!(discover(&kafka(), &at(dns.address())).unwrap(), ["first:1"]);
    }
    assert!(second_heads.try_recv().is_err());
}

#[test]
fn a_port_that_is_no_api_leads_to_the_next_record() {
    let (wrong, _heads) = scheduler::with_body("404 Not Found", String::new());
    let (right, _heads) = scheduler::with_body("200 OK", brokers(&["b:1"]));
    let records = [
        srv(wrong, 1, "s.mesos"),
        srv(right, 2, "s.mesos"),
        host("s.mesos"),
    ];
    let Some(dns) = NameServer::start(&records) else {
        return;
    };
    assert_eq!(discover(&kafka(), &at(dns.address())).unwrap(), ["b:1"]);
}

#[test]
fn so_many_records_that_they_come_over_tcp() {
    let (port, _heads) = scheduler::with_body("200 OK", brokers(&["b:1"]));
    let mut records: Vec<_> = (0..100)
        .map(|number| srv(1, 9, &format!("a-target-with-a-long-name-{number}.mesos")))
        .collect();
    // One end of the list or the other does not fit into a datagram.
    records.extend([srv(port, 0, "s.mesos"), host("s.mesos")]);
    for _ in 0..2 {
        records.reverse();
        let Some(dns) = NameServer::start(&records) else {
            return;
        };
        assert_eq!(discover(&kafka(), &at(dns.address())).unwrap(), ["b:1"]);
    }
}

#[test]
fn a_framework_nobody_knows() {
    let Some(dns) = NameServer::start(&[host("x.mesos")]) else {
        return;
    };
    let error = refusal(&at(dns.address()));
    let expected = format!(
        "no scheduler of framework kafka: SRV _kafka._tcp.marathon.mesos.: {}: Non-Existent Domain",
        dns.address()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn waiting_for_a_framework_that_comes_later() {
    let asked = AtomicU32::new(0);
    let (port, heads) = scheduler::start(move |stream| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        let (status, body) = if first {
            (503, String::new())
        } else {
            (200, brokers(&["b:1"]))
        };
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    });
    let records = [srv(port, 0, "kafka.mesos"), host("kafka.mesos")];
    let Some(dns) = NameServer::start(&records) else {
        return;
    };
    assert_eq!(
        await_brokers(&kafka(), &at(dns.address()), || false).unwrap(),
        ["b:1"]
    );
    assert_eq!(heads.try_iter().count(), 2);
    assert_eq!(await_brokers(&kafka(), &at(dns.address()), || true), None);
}
