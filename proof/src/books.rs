//! What the programs say of themselves. Only what the identity needs; they may say more.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Counts by reason.
pub type Reasons = BTreeMap<String, u64>;

/// The module's counters: see `src/accounting.rs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "stats_slave::accounting has them")]
pub struct Accounting {
    pub datagrams_received: u64,
    pub datagrams_throttled: u64,
    pub datagrams_panicked: u64,
    pub kernel_drops: u64,
    pub lines_received: u64,
    pub statsd_output: Option<StatsdOutput>,
    pub collector_output: CollectorOutput,
}

/// The module's output to a StatsD server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "stats_slave::accounting has them")]
pub struct StatsdOutput {
    pub lines_dropped: Reasons,
}

/// The module's output to the collector.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "stats_slave::accounting has them")]
pub struct CollectorOutput {
    pub datapoints: u64,
    pub datapoints_forwarded: u64,
    pub datapoints_sent_again: u64,
    pub datapoints_dropped: Reasons,
    pub datapoints_pending: u64,
}

/// What a collector says at its end.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "stats_collector::telemetry has them")]
pub struct Balance {
    pub datapoints_received: u64,
    pub connections_failed: Reasons,
    pub sinks: BTreeMap<String, Sink>,
}

/// What a collector had noted in the file of its option `--books` when it was killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Datapoints that were its to account for.
    pub received: u64,
    /// Datapoints that the sink in question had written or dropped.
    pub done: u64,
}

impl Noted {
    /// What `text` says of a sink; nothing if it is not the text of books.
    #[must_use]
    pub fn parse(text: &str, sink: &str) -> Option<Self> {
        let total = |name| {
            let lines = text
                .lines()
                .filter_map(|line| line.split_once(char::is_whitespace));
            let mut totals = lines.filter(|(of, _)| *of == name);
            totals.next()?.1.trim().parse().ok()
        };
        Some(Self {
            received: total("received")?,
            done: total(sink)?,
        })
    }
}

/// What became of what was handed to a sink.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "stats_collector::telemetry has them")]
pub struct Sink {
    pub datapoints_written: u64,
    pub datapoints_dropped: Reasons,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_of_the_collector() {
        let text = "received             00000000000000000123\nkafka                00000000000000000020\n";
        assert_eq!(
            Noted::parse(text, "kafka"),
            Some(Noted {
                received: 123,
                done: 20
            })
        );
        for (text, sink) in [(text, "stdout"), ("", "kafka"), ("received x\nkafka 1", "kafka")] {
            assert_eq!(Noted::parse(text, sink), None, "{text:?}");
        }
    }
}
