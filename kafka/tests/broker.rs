//! The broker of the tests does what it is told.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use stats_kafka::local::Broker;
use std::time::Duration;

fn answers(broker: &Broker, patience: Duration) -> bool {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .create()
        .unwrap();
    client.fetch_metadata(None, patience).is_ok()
}

#[test]
fn stands_still_stops_and_starts() {
    let (short, long) = (Duration::from_secs(1), Duration::from_secs(120));
    let Some(broker) = Broker::launch() else { return };
    let address = broker.address();
    assert!(answers(&broker, long));
    broker.freeze();
    assert!(!answers(&broker, short));
    broker.thaw();
    assert!(answers(&broker, long));
    broker.stop();
    assert!(!answers(&broker, short));
    broker.start();
    assert_eq!(broker.address(), address);
    assert!(answers(&broker, long));
    // Dropping it does not wait for a frozen one to notice.
    broker.freeze();
}
