//! Brokers that are away.

use crate::node::{Node, lists};
use crate::reader::Reader;
use crate::topic;
use stats_kafka::local::{Broker, new_topic};

#[test]
fn nothing_is_lost_while_kafka_is_away() {
    let Some(broker) = Broker::launch() else { return };
    broker.stop();
    let name = new_topic();
    let each = ["--kafka-produce-count=50".to_owned()];
    let node = Node::start(&broker.address(), &[&topic(&name)[..], &each].concat());
    node.send(&lists("t", 0, 1000));

    broker.start();
    let mut reader = Reader::new(&broker.address(), &name);
    let mut read = reader.records(1000);

    // Away in the middle of a stream, with something in each of the client's hands and ours.
    node.send(&lists("t", 1000, 1000));
    broker.stop();
    node.send(&lists("t", 2000, 1000));
    broker.start();
    node.send(&lists("t", 3000, 1000));
    read.extend(reader.records(3000));

    let balance = node.end();
    assert_eq!(balance["balanced"], true, "{balance}");
    assert_eq!(balance["sinks"]["kafka"]["records_written"], 4000, "{balance}");
    // The broker recognises what is sent twice, so each is there once, and in order within what one connection sent.
    assert!(reader.is_at_end(&name));
    read.sort_by(|one, other| one.datapoints[0].value.total_cmp(&other.datapoints[0].value));
    assert_eq!(read, lists("t", 0, 4000));
}

#[test]
fn what_there_is_no_room_for_is_dropped_oldest_first() {
    let Some(broker) = Broker::launch() else { return };
    broker.stop();
    let name = new_topic();
    let arguments = [
        &topic(&name)[..],
        &[
            "--kafka-produce-count=10".to_owned(),
            "--kafka-queue-kbytes=256".to_owned(),
            "--kafka-max-message-bytes=65536".to_owned(),
        ],
    ]
    .concat();
    let node = Node::start(&broker.address(), &arguments);
    // Much more than the queue and what the client may have.
    let count = 100_000;
    node.send(&lists("t", 0, count));
    broker.start();
    // The newest is there, so all that were not dropped are on their way before it.
    let mut reader = Reader::new(&broker.address(), &name);
    let mut read = Vec::new();
    while read.last() != lists("t", count - 1, 1).first() {
        read.extend(reader.records(1));
    }
    let balance = node.end();
    let kafka = &balance["sinks"]["kafka"];
    assert_eq!(balance["balanced"], true, "{balance}");
    assert_eq!(kafka["records_written"], read.len());
    assert_eq!(
        kafka["records_dropped"],
        serde_json::json!({"queue_full": count - read.len()})
    );
    assert!(read.len() < count);
    // In order, and without a gap at the end.
    let numbers: Vec<_> = read.iter().map(|list| list.datapoints[0].value).collect();
    assert!(numbers.is_sorted());
    let kept = 500;
    assert_eq!(read[read.len() - kept..], lists("t", count - kept, kept));
}

#[test]
fn kafka_that_never_comes() {
    let Some(broker) = Broker::launch() else { return };
    broker.stop();
    let node = Node::start(&broker.address(), &["--kafka-produce-count=10".to_owned()]);
    node.send(&lists("t", 0, 100));
    let balance = node.end();
    assert_eq!(balance["balanced"], true, "{balance}");
    assert_eq!(
        balance["sinks"]["kafka"]["records_dropped"],
        serde_json::json!({"shutdown": 100})
    );
}
