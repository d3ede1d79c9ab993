//! Brokers found through a DC/OS framework: a real name server, a real broker, and a scheduler that knows where it is.

use crate::node::{Node, lists};
use crate::reader::Reader;
use crate::topic;
use stats_kafka::local::{Broker, NameServer, new_topic};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// Serves `/v1/connection` until the test's process ends; returns its port.
fn scheduler(brokers: Arc<Mutex<String>>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            lines.by_ref().take_while(|line| !line.is_empty()).for_each(drop);
            let body = serde_json::json!({ "dns": [brokers.lock().unwrap().clone()] }).to_string();
            let length = body.len();
            // Whoever does not wait for the answer does not need it.
            let _sent = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
        }
    });
    port
}

#[test]
fn brokers_that_move() {
    let Some(broker) = Broker::launch() else { return };
    let brokers = Arc::new(Mutex::new(broker.address()));
    let port = scheduler(Arc::clone(&brokers));
    let records = [
        format!("--srv-host=_metrics._tcp.marathon.mesos,s.metrics.mesos,{port},0,0"),
        "--host-record=s.metrics.mesos,127.0.0.1".to_owned(),
    ];
    let Some(dns) = NameServer::start(&records) else {
        return;
    };
    let name = new_topic();
    let arguments = [
        &topic(&name)[..],
        &[
            "--kafka-framework=metrics".to_owned(),
            format!("--kafka-name-server={}", dns.address()),
            "--kafka-produce-count=10".to_owned(),
        ],
    ]
    .concat();
    let node = Node::with(arguments.iter());
    node.send(&lists("t", 0, 100));
    assert_eq!(
        Reader::new(&broker.address(), &name).records(100),
        lists("t", 0, 100)
    );

    broker.stop();
    node.send(&lists("t", 100, 100));
    broker.start_elsewhere();
    *brokers.lock().unwrap() = broker.address();
    let mut reader = Reader::new(&broker.address(), &name);
    assert_eq!(reader.records(200), lists("t", 0, 200));
    let balance = node.end();
    assert_eq!(balance["sinks"]["kafka"]["records_written"], 200, "{balance}");
}
