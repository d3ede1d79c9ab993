//! What the sink counts beside [`Output`](crate::telemetry::Output), as in 2016 (`reference/metrics.md` 2.7).

use super::message::Message;
use crate::telemetry::Counter;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Sums since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Times the framework did not say where its brokers are: `kafka_output.framework_lookup_failures`.
    pub framework_lookup_failures: Counter,
    /// Times no broker could be reached or a client could not be created: `kafka_output.connection_failures`.
    pub connection_failures: Counter,
    /// Times the brokers could be reached after they could not: `kafka_output.sessions_opened`.
    pub sessions_opened: Counter,
    /// Times none of them could be reached any more: `kafka_output.sessions_closed`.
    pub sessions_closed: Counter,
    /// Topics that Kafka does not allow and that got another name.
    pub topics_renamed: Counter,
    /// Records that were sent to the topic for all those for which there was no room.
    pub topics_overflowed: Counter,
    topics: Mutex<BTreeMap<Arc<str>, TopicCounts>>,
}

/// Sums of one topic since it was last forgotten, which it is an hour after its last message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopicCounts {
    /// Records made part of messages: `topic_sorter.records`.
    pub records: u64,
    /// Bytes of those messages: `topic_sorter.bytes`.
    pub bytes: u64,
    /// Records over the limit: `topic_sorter.records_throttled`.
    pub records_throttled: u64,
    /// Bytes over the limit: `topic_sorter.bytes_throttled`.
    pub bytes_throttled: u64,
    /// Messages that Kafka has: `kafka_output.avro_records_sent`.
    pub messages_sent: u64,
    /// Bytes that Kafka has: `kafka_output.bytes_sent`.
    pub bytes_sent: u64,
}

impl Counters {
    /// What there is of every topic in use, by its name in Kafka.
    #[must_use]
    pub fn topics(&self) -> Vec<(Arc<str>, TopicCounts)> {
        let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics
            .iter()
            .map(|(name, counts)| (Arc::clone(name), *counts))
            .collect()
    }

    pub(super) fn made(&self, message: &Message) {
        self.with(message, |counts, bytes| {
            counts.records += message.records;
            counts.bytes += bytes;
        });
    }

    pub(super) fn throttled(&self, message: &Message) {
        self.with(message, |counts, bytes| {
            counts.records_throttled += message.records;
            counts.bytes_throttled += bytes;
        });
    }

    pub(super) fn sent(&self, message: &Message) {
        self.with(message, |counts, bytes| {
            counts.messages_sent += 1;
            counts.bytes_sent += bytes;
        });
    }

    pub(super) fn forget(&self, topic: &str) {
        self.topics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(topic);
    }

    fn with(&self, message: &Message, count: impl FnOnce(&mut TopicCounts, u64)) {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = topics.entry(Arc::clone(&message.topic)).or_default();
        count(counts, message.file.len() as u64);
    }
}
