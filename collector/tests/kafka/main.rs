//! The collector with a real Kafka: what goes in over TCP comes out of the broker. What a real broker cannot be made to
//! answer is tested beside the sink, with a mock.

#![allow(clippy::unwrap_used)]

mod framework;
mod node;
mod outages;
mod reader;
mod refusals;
mod secured;

use node::{Node, lists};
use reader::Reader;
use stats_kafka::local::{Broker, new_topic};
use stats_schema::Layout;

/// Messages are made soon, so that a test can read them before it ends the collector, which does not wait for Kafka for long.
const SOON: &str = "--kafka-produce-period-ms=50";

/// The options for a topic of this name in Kafka.
fn topic(name: &str) -> [String; 2] {
    [
        "--kafka-topic-prefix=".to_owned(),
        format!("--kafka-single-topic={name}"),
    ]
}

#[test]
fn what_goes_in_comes_out() {
    let Some(broker) = Broker::shared() else { return };
    for (types, layout) in [("true", Layout::Typed), ("false", Layout::Old)] {
        let prefix = new_topic();
        let node = Node::start(
            &broker.address(),
            &[
                SOON.to_owned(),
                format!("--kafka-topic-prefix={prefix}"),
                format!("--kafka-metric-types={types}"),
            ],
        );
        let sent = lists("one", 0, 300);
        node.send(&sent);
        node.send(&lists("not allowed", 0, 5));
        let mut reader = Reader::new(&broker.address(), &format!("{prefix}one"));
        let message = reader.message();
        assert!(message.starts_with(layout.header()));
        let mut read = reader::decode(&message);
        let rest = 300 - read.len();
        read.extend(reader.records(rest));
        let expected = match layout {
            Layout::Typed => sent,
            Layout::Old => node::without_types(sent),
        };
        assert_eq!(read, expected);
        let mut renamed = Reader::new(&broker.address(), &format!("{prefix}not_allowed"));
        assert_eq!(renamed.records(5).len(), 5);
        let balance = node.end();
        assert_eq!(balance["balanced"], true);
        assert_eq!(balance["sinks"]["kafka"]["records_written"], 305);
    }
}

#[test]
fn messages_are_made_by_count_size_and_time() {
    let Some(broker) = Broker::shared() else { return };
    let sizes = |arguments: &[&str], records: usize, messages: usize| {
        let name = new_topic();
        let arguments: Vec<_> = arguments
            .iter()
            .map(|text| (*text).to_owned())
            .chain(topic(&name))
            .collect();
        let node = Node::start(&broker.address(), &arguments);
        node.send(&lists("t", 0, records));
        let mut reader = Reader::new(&broker.address(), &name);
        // They come while the collector goes on.
        let sizes: Vec<_> = (0..messages)
            .map(|_| reader::decode(&reader.message()).len())
            .collect();
        node.end();
        sizes
    };
    assert_eq!(sizes(&["--kafka-produce-count=100"], 250, 2), [100, 100]);
    assert_eq!(
        sizes(&["--kafka-produce-period-ms=10"], 7, 1)
            .iter()
            .sum::<usize>(),
        7
    );
    // Each list has about 70 bytes.
    let by_size = sizes(&["--kafka-produce-kbytes=2"], 100, 3);
    assert!(by_size.iter().all(|size| (20..35).contains(size)), "{by_size:?}");
}

#[test]
fn every_codec_can_be_read() {
    let Some(broker) = Broker::shared() else { return };
    for codec in ["none", "snappy", "lz4", "zstd", "gzip"] {
        let name = new_topic();
        let arguments = [
            &topic(&name)[..],
            &[SOON.to_owned(), format!("--kafka-compression={codec}")],
        ]
        .concat();
        let node = Node::start(&broker.address(), &arguments);
        let sent = lists("t", 0, 1000);
        node.send(&sent);
        let read = Reader::new(&broker.address(), &name).records(1000);
        assert_eq!(read, sent, "{codec}");
        let balance = node.end();
        assert_eq!(
            balance["sinks"]["kafka"]["records_written"], 1000,
            "{codec}: {balance}"
        );
    }
}

#[test]
fn without_idempotence() {
    let Some(broker) = Broker::shared() else { return };
    let name = new_topic();
    let arguments = [
        &topic(&name)[..],
        &[SOON.to_owned(), "--kafka-require-all-acks=false".to_owned()],
    ]
    .concat();
    let node = Node::start(&broker.address(), &arguments);
    let sent = lists("t", 0, 10);
    node.send(&sent);
    assert_eq!(Reader::new(&broker.address(), &name).records(10), sent);
    assert_eq!(node.end()["sinks"]["kafka"]["records_written"], 10);
}
