//! Kafka found through a DC/OS framework: a real name server, a real broker, and a scheduler that knows where that is.

use crate::messages::numbered;
use crate::program::{Program, command};
use crate::recording_server::{self, Request};
use stats_kafka::local::{Broker, NameServer, new_topic};
use std::process::Command;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};

/// A scheduler that says what `brokers` holds, and the name server that leads to it; None without dnsmasq. The scheduler works
/// as long as its requests are kept.
fn framework(brokers: &Arc<Mutex<String>>) -> Option<(NameServer, Receiver<Request>)> {
    let brokers = Arc::clone(brokers);
    let (port, requests) = recording_server::start(move |_| {
        let brokers = [brokers.lock().unwrap().clone()];
        (200, serde_json::json!({ "dns": brokers }).to_string())
    });
    let dns = NameServer::start(&[
        format!("--srv-host=_metrics-kafka._tcp.marathon.mesos,s.metrics-kafka.mesos,{port},0,0"),
        "--host-record=s.metrics-kafka.mesos,127.0.0.1".to_owned(),
    ])?;
    Some((dns, requests))
}

fn consume(dns: &NameServer, topic: &str) -> Command {
    // Empty is unset, so that the framework is asked.
    let mut command = command("", topic);
    command
        .env("KAFKA_FRAMEWORK_NAME", "metrics-kafka")
        .env("KAFKA_NAME_SERVER", dns.address().to_string())
        .arg("print");
    command
}

#[test]
fn the_brokers_of_a_framework() {
    let Some(broker) = Broker::shared() else { return };
    let brokers = Arc::new(Mutex::new(broker.address()));
    let Some((dns, requests)) = framework(&brokers) else {
        return;
    };
    let topic = new_topic();
    broker.produce(&topic, numbered(0, 1, 1));
    let program = Program::start(&mut consume(&dns, &topic));
    let found = format!("brokers of framework metrics-kafka: {}", broker.address());
    program.wait_for(&found, |line| line.contains(&found));
    program.wait_for("the datapoint", |line| line.contains("\"value\":0.0"));
    assert_eq!(program.terminate().code(), Some(0));
    let requests: Vec<_> = requests.try_iter().map(|request| request.line).collect();
    assert_eq!(requests, ["GET /v1/connection HTTP/1.1"]);
}

#[test]
fn brokers_that_moved() {
    let Some(broker) = Broker::launch() else { return };
    let brokers = Arc::new(Mutex::new(broker.address()));
    let Some((dns, _requests)) = framework(&brokers) else {
        return;
    };
    let topic = new_topic();
    broker.produce(&topic, numbered(0, 1, 1));
    let program = Program::start(
        consume(&dns, &topic)
            .env("CONSUMER_THREADS", "2")
            .env_remove("KAFKA_OVERRIDE_GROUP_INSTANCE_ID")
            // The members of before could not say goodbye; after this time their places are free.
            .env("KAFKA_OVERRIDE_SESSION_TIMEOUT_MS", "6000")
            .env("KAFKA_REDISCOVERY_MS", "1000"),
    );
    program.wait_for("the first datapoint", |line| line.contains("\"value\":0.0"));
    broker.stop();
    // The framework still says what it said, which is no reason to start again.
    program.wait_for("the same brokers", |line| line.contains("brokers of framework"));
    broker.start_elsewhere();
    *brokers.lock().unwrap() = broker.address();
    let new = format!("at {} in group", broker.address());
    program.wait_for(&new, |line| line.contains(&new));
    broker.produce(&topic, numbered(1, 1, 1));
    program.wait_for("the second datapoint", |line| line.contains("\"value\":1.0"));
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn the_search_ends_with_a_signal() {
    let Some((dns, _requests)) = framework(&Arc::default()) else {
        return;
    };
    let program = Program::start(consume(&dns, "x").env("KAFKA_FRAMEWORK_NAME", "other"));
    program.wait_for("the reason", |line| {
        line.contains("no scheduler of framework other: SRV _other._tcp.marathon.mesos.: ")
    });
    assert_eq!(program.terminate().code(), Some(0));
    // It found somebody, but no brokers: the address is empty.
    let program = Program::start(&mut consume(&dns, "x"));
    program.wait_for("the reason", |line| {
        line.contains("no brokers of framework metrics-kafka: ") && line.contains("has \"\", not host:port")
    });
    assert_eq!(program.terminate().code(), Some(0));
}
