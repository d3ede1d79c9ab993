//! What the sink counts beside [`Output`](crate::telemetry::Output), as in 2016 (`reference/metrics.md` 2.7), but without
//! the variants for each topic and framework.

use super::message::Message;
use crate::counts::Sum;
use crate::telemetry::Counter;

/// Sums since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Times the framework did not say where its brokers are.
    pub framework_lookup_failures: Counter,
    /// Times no broker could be reached or a client could not be created.
    pub connection_failures: Counter,
    /// Times the brokers could be reached after they could not.
    pub sessions_opened: Counter,
    /// Times none of them could be reached any more.
    pub sessions_closed: Counter,
    /// Messages that Kafka has. Records and bytes are in the sink's output.
    pub messages_sent: Counter,
    /// Topics that Kafka does not allow and that got another name.
    pub topics_renamed: Counter,
    /// Records that were sent to the topic for all those for which there was no room.
    pub topics_overflowed: Counter,
    /// Bytes of messages within the limit.
    pub bytes: Counter,
    /// Records over the limit.
    pub records_throttled: Counter,
    /// Bytes over the limit.
    pub bytes_throttled: Counter,
}

impl Counters {
    /// All of them.
    #[must_use]
    pub fn sums(&self) -> [Sum; 10] {
        [
            (
                "kafka_output.framework_lookup_failures",
                "Times the framework did not say where its Kafka brokers are.",
                &self.framework_lookup_failures,
            ),
            (
                "kafka_output.connection_failures",
                "Times no Kafka broker could be reached.",
                &self.connection_failures,
            ),
            (
                "kafka_output.sessions_opened",
                "Times the Kafka brokers could be reached after they could not.",
                &self.sessions_opened,
            ),
            (
                "kafka_output.sessions_closed",
                "Times no Kafka broker could be reached any more.",
                &self.sessions_closed,
            ),
            (
                "kafka_output.messages_sent",
                "Messages that Kafka has.",
                &self.messages_sent,
            ),
            (
                "topic_sorter.topics_renamed",
                "Topics that Kafka does not allow and that got another name.",
                &self.topics_renamed,
            ),
            (
                "topic_sorter.topics_overflowed",
                "Records of topics beyond the limit, sent to the topic for all of these.",
                &self.topics_overflowed,
            ),
            (
                "topic_sorter.bytes",
                "Bytes of messages made for Kafka within the limit.",
                &self.bytes,
            ),
            (
                "topic_sorter.records_throttled",
                "Records of messages for Kafka over the limit.",
                &self.records_throttled,
            ),
            (
                "topic_sorter.bytes_throttled",
                "Bytes of messages for Kafka over the limit.",
                &self.bytes_throttled,
            ),
        ]
        .map(|(name, help, counter)| Sum {
            name,
            help,
            value: counter.get(),
        })
    }

    pub(super) fn throttled(&self, message: &Message) {
        self.records_throttled.add(message.records);
        self.bytes_throttled.add(message.file.len() as u64);
    }
}
