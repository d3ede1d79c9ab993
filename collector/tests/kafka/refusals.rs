//! Messages that a real broker does not take.

use crate::SOON;
use crate::node::{Node, lists};
use crate::reader::Reader;
use stats_kafka::local::{Broker, new_topic};
use stats_schema::MetricList;

/// A list with a text that cannot be compressed below `bytes`.
fn large(topic: &str, bytes: usize) -> Vec<MetricList> {
    let mut lists = lists(topic, 0, 1);
    let mut state = 1_u64;
    lists[0].datapoints[0].text = Some(
        (0..bytes)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(33 + u8::try_from(state >> 58).unwrap())
            })
            .collect(),
    );
    lists
}

#[test]
fn too_large_for_the_broker() {
    let Some(broker) = Broker::shared() else { return };
    let prefix = new_topic();
    let arguments = [
        SOON.to_owned(),
        format!("--kafka-topic-prefix={prefix}"),
        "--kafka-max-message-bytes=8000000".to_owned(),
        "--kafka-compression=none".to_owned(),
    ];
    let node = Node::start(&broker.address(), &arguments);
    node.send(&large("large", 2_000_000));
    node.send(&lists("small", 0, 10));
    let mut small = Reader::new(&broker.address(), &format!("{prefix}small"));
    assert_eq!(small.records(10), lists("small", 0, 10));
    let balance = node.end();
    assert_eq!(balance["balanced"], true, "{balance}");
    let kafka = &balance["sinks"]["kafka"];
    assert_eq!(kafka["records_dropped"], serde_json::json!({"too_large": 1}));
}

#[test]
fn too_large_for_a_message() {
    let Some(broker) = Broker::shared() else { return };
    let prefix = new_topic();
    let node = Node::start(
        &broker.address(),
        &[SOON.to_owned(), format!("--kafka-topic-prefix={prefix}")],
    );
    node.send(&large("large", 2_000_000));
    node.send(&large("fits", 990_000));
    // One record of several messages.
    let mut long = lists("long", 0, 1);
    long[0].datapoints = lists("", 0, 30_000)
        .into_iter()
        .flat_map(|list| list.datapoints)
        .collect();
    node.send(&long);
    assert_eq!(
        Reader::new(&broker.address(), &format!("{prefix}fits")).records(1),
        large("fits", 990_000)
    );
    let mut reader = Reader::new(&broker.address(), &format!("{prefix}long"));
    let mut datapoints = Vec::new();
    while datapoints.len() < 30_000 {
        datapoints.extend(reader.records(1).into_iter().flat_map(|list| list.datapoints));
    }
    assert_eq!(datapoints, long[0].datapoints);
    let balance = node.end();
    assert_eq!(balance["balanced"], true, "{balance}");
    let kafka = &balance["sinks"]["kafka"];
    assert_eq!(
        kafka["datapoints_dropped"],
        serde_json::json!({"too_large": 1}),
        "{balance}"
    );
}

#[test]
fn a_broker_without_tls() {
    let Some(broker) = Broker::shared() else { return };
    let arguments = ["--kafka-security-protocol=ssl".to_owned()];
    let node = Node::start(&broker.address(), &arguments);
    node.send(&lists("t", 0, 10));
    let balance = node.end();
    assert_eq!(
        balance["sinks"]["kafka"]["records_dropped"],
        serde_json::json!({"shutdown": 10}),
        "{balance}"
    );
}
