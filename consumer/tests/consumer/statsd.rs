//! A StatsD server's socket.

use crate::messages::{TAGS, gauge, message, numbered};
use crate::program::{PATIENCE, Program, command};
use stats_kafka::local::{Broker, new_topic};
use stats_schema::{DatapointRef, MetricType};
use std::net::UdpSocket;

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> String {
    let mut datagram = [0; 10_000];
    let length = socket.recv(&mut datagram).unwrap();
    String::from_utf8(datagram[..length].to_vec()).unwrap()
}

fn consume(broker: &Broker, topic: &str, port: u16) -> Program {
    let mut command = command(&broker.address(), topic);
    Program::start(
        command
            .args(["statsd", "--output-host=127.0.0.1"])
            .env("OUTPUT_PORT", port.to_string()),
    )
}

#[test]
fn types_and_tags_arrive() {
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    let typed = |metric_type| DatapointRef {
        metric_type,
        sample_rate: 0.5,
        ..gauge("n", 6)
    };
    let member = DatapointRef {
        text: Some("bob"),
        ..typed(MetricType::Set)
    };
    let nan = DatapointRef {
        value: f64::NAN,
        ..gauge("n", 0)
    };
    let others = [
        MetricType::Unknown,
        MetricType::Counter,
        MetricType::GaugeDelta,
        MetricType::Timer,
    ];
    let mut datapoints: Vec<_> = others.map(typed).into();
    datapoints.extend([
        member,
        nan,
        gauge("", 1),
        DatapointRef {
            name: "a,b",
            value: -2.0,
            ..gauge("", 0)
        },
    ]);
    broker.produce(&topic, [message(&[("", ""), ("k:", "v")], &datapoints)]);
    let server = socket();
    let port = server.local_addr().unwrap().port().to_string();
    let program = Program::start(
        command(&broker.address(), &topic)
            .args(["statsd", "--output-host=127.0.0.1"])
            .env("OUTPUT_PORT", port)
            .env("KEY_PREFIX", "p:."),
    );
    let expected = [
        "p_.n:6|g|#k_:v",
        "p_.n:6|c|#k_:v",
        "p_.n:+6|g|#k_:v",
        "p_.n:6|ms|@0.5|#k_:v",
        "p_.n:bob|s|#k_:v",
        "p_.a_b:0|g|#k_:v",
        "p_.a_b:-2|g|#k_:v",
    ];
    assert_eq!(receive(&server).split('\n').collect::<Vec<_>>(), expected);
    program.wait_for("the counts", |line| {
        let counts = [" delivered=6 ", " not_finite=1 ", " empty=1 "];
        line.contains("STATS TOTAL") && counts.iter().all(|count| line.contains(count))
    });
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn datagrams_are_full_and_a_server_that_was_away_misses_nothing() {
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    let away = socket();
    let address = away.local_addr().unwrap();
    drop(away);
    broker.produce(&topic, numbered(0, 2, 100));
    let program = consume(&broker, &topic, address.port());
    program.wait_for("a word about it", |line| line.contains("trying again in 2 s"));
    let server = UdpSocket::bind(address).unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut lines, mut sizes) = (Vec::new(), Vec::new());
    while lines
        .last()
        .is_none_or(|line: &String| !line.starts_with("n:199|"))
    {
        let datagram = receive(&server);
        sizes.push(datagram.len());
        lines.extend(datagram.split('\n').map(str::to_owned));
    }
    let tags = TAGS.map(|(key, value)| format!("{key}:{value}")).join(",");
    let expected: Vec<_> = (0..200).map(|number| format!("n:{number}|g|#{tags}")).collect();
    assert_eq!(lines, expected);
    let line = expected[199].len() + 1;
    assert!(sizes.iter().all(|size| *size <= 1432), "{sizes:?}");
    assert!(
        sizes[..sizes.len() - 1].iter().all(|size| size + line > 1432),
        "{sizes:?}"
    );
    program.wait_for_total("delivered", 200);
    assert_eq!(program.terminate().code(), Some(0));
}
