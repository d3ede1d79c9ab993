//! Faults of servers that the path depends on.

use super::{Outcome, Scale, finish, nothing_missing, quiet, with_kafka};
use crate::Failure;
use crate::identity::sum;
use crate::path::{Path, Plan};
use stats_kafka::local::{Broker, NameServer};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};

/// The name that no server has: RFC 6761.
const NOBODY: &str = "statsd.invalid";

pub(super) fn names_gone(scale: Scale) -> Result<Outcome, Failure> {
    let (mut plan, _broker) = with_kafka(scale);
    for (key, value) in [("output_statsd_enabled", "true"), ("output_statsd_host", NOBODY)] {
        plan.parameters.push((key.to_owned(), value.to_owned()));
    }
    plan.collector.push(format!("--statsd-output={NOBODY}:8125"));
    if plan.brokers.is_none() {
        plan.collector.push("--output=stdout".to_owned());
    }
    let path = Path::start(plan)?;
    path.wait_for_arrivals()?;
    quiet(scale)?;
    quiet(scale)?;
    finish(path, |identity, evidence| {
        let statsd = evidence.node.statsd_output.clone().unwrap_or_default();
        let dropped = statsd.lines_dropped.get("no_destination").copied();
        let lines = evidence.node.lines_received;
        identity.equal(
            "lines for the server without address, dropped",
            dropped.unwrap_or_default(),
            lines,
        );
        identity.equal("for any reason", sum(&statsd.lines_dropped), lines);
        for collector in &evidence.collectors {
            let dropped = collector
                .sinks
                .get("statsd")
                .map(|sink| sum(&sink.datapoints_dropped));
            let received = collector.datapoints_received;
            identity.equal(
                "the same at the collector, dropped",
                dropped.unwrap_or_default(),
                received,
            );
        }
        nothing_missing(identity, evidence);
    })
}

pub(super) fn name_server_stopped(scale: Scale) -> Result<Outcome, Failure> {
    let Some(broker) = Broker::launch() else {
        return Ok(Outcome::Skipped("Java or Maven is missing".to_owned()));
    };
    let scheduler = scheduler(broker.address()).map_err(|error| format!("a scheduler: {error}"))?;
    let records = [
        format!("--srv-host=_proof._tcp.marathon.mesos,s.proof.mesos,{scheduler},0,0"),
        "--host-record=s.proof.mesos,127.0.0.1".to_owned(),
    ];
    let Some(name_server) = NameServer::start(&records) else {
        return Ok(Outcome::Skipped("dnsmasq is missing".to_owned()));
    };
    let path = Path::start(Plan {
        brokers: Some(broker.address()),
        discovery: vec![
            "--kafka-framework=proof".to_owned(),
            format!("--kafka-name-server={}", name_server.address()),
        ],
        ..Plan::default()
    })?;
    path.wait_for_arrivals()?;
    quiet(scale)?;
    drop(name_server);
    quiet(scale)?;
    path.wait_for_arrivals()?;
    quiet(scale)?;
    finish(path, nothing_missing)
}

/// Says where the broker is to whoever asks, until the program ends; its port.
fn scheduler(broker: String) -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        let body = serde_json::json!({ "dns": [broker] }).to_string();
        for mut stream in listener.incoming().map_while(Result::ok) {
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            // Whoever does not wait for the answer does not need it.
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    Ok(port)
}
