//! What a topic holds.

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use stats_schema::{Limits, MetricList, StreamDecoder};
use std::time::{Duration, Instant};

/// No test waits for this long unless it fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// Reads a topic's only partition from its beginning.
pub(crate) struct Reader(BaseConsumer);

impl Reader {
    pub(crate) fn new(broker: &str, topic: &str) -> Self {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker)
            .set("group.id", "reader")
            .set("enable.auto.commit", "false")
            .set("allow.auto.create.topics", "true")
            .set("reconnect.backoff.max.ms", "200")
            .create()
            .unwrap();
        let mut partitions = TopicPartitionList::new();
        partitions
            .add_partition_offset(topic, 0, Offset::Beginning)
            .unwrap();
        consumer.assign(&partitions).unwrap();
        Self(consumer)
    }

    /// The next message.
    pub(crate) fn message(&mut self) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "a message was expected");
            // Errors are about the topic, which may not be there yet, or the broker.
            if let Some(Ok(message)) = self.0.poll(Duration::from_millis(100)) {
                return message.payload().unwrap().to_vec();
            }
        }
    }

    /// The records of the next messages, so many at least.
    pub(crate) fn records(&mut self, count: usize) -> Vec<MetricList> {
        let mut records = Vec::new();
        while records.len() < count {
            records.extend(decode(&self.message()));
        }
        records
    }

    /// Whether there is nothing more up to the end of the partition.
    pub(crate) fn is_at_end(&self, topic: &str) -> bool {
        let (_, end) = self.0.fetch_watermarks(topic, 0, PATIENCE).unwrap();
        let position = self.0.position().unwrap();
        position.find_partition(topic, 0).unwrap().offset() == Offset::Offset(end)
    }
}

/// The records of a message, which is a complete file.
pub(crate) fn decode(message: &[u8]) -> Vec<MetricList> {
    let mut decoder = StreamDecoder::new(Limits::default());
    let mut records = Vec::new();
    decoder
        .feed(message, |record| records.push(record.to_owned()))
        .unwrap();
    decoder.finish().unwrap();
    records
}
