//! What became of everything that arrived. Every connection, byte, record and datapoint is counted once when it comes
//! and once when its fate is known, and the sums agree: for every sink, received = written + dropped + queued.

use crate::counts::Sum;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `amount`.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }

    /// The sum so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What arrived: bytes and connections over TCP, records from all sources.
#[derive(Debug, Default)]
pub struct Input {
    /// Connections accepted and served.
    pub connections_opened: Counter,
    /// Connections closed, whatever the reason.
    pub connections_closed: Counter,
    /// Connections closed at once because too many were open; not among the opened ones.
    pub connections_refused: Counter,
    /// Times the system did not hand out a waiting connection, for want of descriptors usually.
    pub accept_failures: Counter,
    /// Connections closed because the stream was no valid stream of records.
    pub failed_invalid: Counter,
    /// Connections that ended inside the header or a block.
    pub failed_truncated: Counter,
    /// Connections on which reading failed, reset by the peer for example.
    pub failed_read: Counter,
    /// Connections closed because too much memory was held for unfinished blocks.
    pub failed_memory: Counter,
    /// Connections closed because serving them panicked.
    pub failed_panic: Counter,
    /// Bytes read.
    pub bytes: Counter,
    /// Blocks decoded completely.
    pub blocks: Counter,
    /// What connections sent beyond their allowance; not among the records below.
    pub throttled: Amount,
    /// Records from all sources, handed to every sink.
    pub records: Counter,
    /// Records among them that have no topic of their own.
    pub records_without_topic: Counter,
    /// Datapoints in those records.
    pub datapoints: Counter,
    /// Tags that a task made up and that were replaced by what the agent says.
    pub tags_replaced: Counter,
}

/// Records and the datapoints in them.
#[derive(Debug, Default)]
pub struct Amount {
    /// Records.
    pub records: Counter,
    /// Datapoints.
    pub datapoints: Counter,
}

/// What became of what was handed to a sink.
#[derive(Debug, Default)]
pub struct Output {
    /// Handed over; every record that was received.
    pub received: Amount,
    /// Taken by what is behind the sink.
    pub written: Amount,
    /// Bytes written, as the sink renders records.
    pub bytes_written: Counter,
    dropped: [Amount; Reason::ALL.len()],
    /// Datapoints that the collector before this one held for the sink when it was killed, as its books say.
    pub lost_before: Counter,
    /// Whether the sink was left while it had something to do, so that its sums may go on changing.
    abandoned: AtomicBool,
    /// Why the sink makes no progress now, if it does not.
    problem: Mutex<Option<String>>,
}

/// Why records or datapoints did not get where a sink leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Newer ones needed the room in the queue.
    QueueFull,
    /// Writing failed.
    WriteFailed,
    /// Still waiting, or being written, when the time to end was over.
    Shutdown,
    /// Larger than what is behind the sink takes.
    TooLarge,
    /// What is behind the sink did not want it.
    Refused,
    /// A sink that keeps series in memory has no room for another one.
    SeriesLimit,
    /// The value is no number that the sink can express.
    NoNumber,
    /// Over the limit that the user has set for the sink.
    Throttled,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::QueueFull,
        Self::WriteFailed,
        Self::Shutdown,
        Self::TooLarge,
        Self::Refused,
        Self::SeriesLimit,
        Self::NoNumber,
        Self::Throttled,
    ];

    /// As it is printed, `queue_full` for [`Reason::QueueFull`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::WriteFailed => "write_failed",
            Self::Shutdown => "shutdown",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
            Self::SeriesLimit => "series_limit",
            Self::NoNumber => "no_number",
            Self::Throttled => "throttled",
        }
    }
}

impl Input {
    /// Connections that are open now.
    #[must_use]
    pub fn connections_open(&self) -> u64 {
        let closed = self.connections_closed.get();
        self.connections_opened.get().saturating_sub(closed)
    }

    /// Connections that ended by a fault, for each kind of fault that occurred.
    #[must_use]
    pub fn connections_failed(&self) -> BTreeMap<&'static str, u64> {
        reasons([
            ("invalid", &self.failed_invalid),
            ("truncated", &self.failed_truncated),
            ("read", &self.failed_read),
            ("memory", &self.failed_memory),
            ("panic", &self.failed_panic),
        ])
    }
}

impl Amount {
    /// Adds so many of each.
    pub fn add(&self, records: u64, datapoints: u64) {
        self.records.add(records);
        self.datapoints.add(datapoints);
    }

    /// Records and datapoints so far.
    #[must_use]
    pub fn get(&self) -> (u64, u64) {
        (self.records.get(), self.datapoints.get())
    }
}

impl Output {
    /// What was dropped for this reason.
    #[must_use]
    pub fn dropped(&self, reason: Reason) -> &Amount {
        &self.dropped[reason as usize]
    }

    /// Datapoints dropped so far, for whatever reason.
    #[must_use]
    pub fn datapoints_dropped(&self) -> u64 {
        self.dropped.iter().map(|amount| amount.datapoints.get()).sum()
    }

    /// Counts what is neither written nor dropped as dropped at the end. What the sink still does is not counted.
    pub(crate) fn abandon(&self) {
        let sum = |of: fn(&Amount) -> &Counter| {
            let dropped = self.dropped.iter().map(|amount| of(amount).get()).sum::<u64>();
            of(&self.received)
                .get()
                .saturating_sub(of(&self.written).get() + dropped)
        };
        let (records, datapoints) = (sum(|amount| &amount.records), sum(|amount| &amount.datapoints));
        self.dropped(Reason::Shutdown).add(records, datapoints);
        self.abandoned.store(true, Relaxed);
    }

    /// Datapoints written or dropped so far.
    #[must_use]
    pub fn datapoints_done(&self) -> u64 {
        self.written.datapoints.get() + self.datapoints_dropped()
    }

    /// Datapoints that are neither written nor dropped yet.
    #[must_use]
    pub fn datapoints_waiting(&self) -> u64 {
        self.received
            .datapoints
            .get()
            .saturating_sub(self.datapoints_done())
    }

    /// Says why the sink makes no progress, or that it does again.
    pub fn set_problem(&self, problem: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// Why the sink makes no progress now, if it does not.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The sums at one moment, as they are printed at the end.
#[derive(Debug, Serialize)]
pub struct Balance {
    connections_opened: u64,
    connections_closed: u64,
    connections_refused: u64,
    accept_failures: u64,
    connections_failed: BTreeMap<&'static str, u64>,
    bytes_received: u64,
    blocks_received: u64,
    records_received: u64,
    records_without_topic: u64,
    records_throttled: u64,
    datapoints_throttled: u64,
    tags_replaced: u64,
    datapoints_received: u64,
    sinks: BTreeMap<&'static str, SinkBalance>,
    /// What else was counted, if it occurred.
    #[serde(flatten)]
    others: BTreeMap<&'static str, u64>,
    balanced: bool,
}

#[derive(Debug, Serialize)]
struct SinkBalance {
    records_written: u64,
    datapoints_written: u64,
    bytes_written: u64,
    records_dropped: BTreeMap<&'static str, u64>,
    datapoints_dropped: BTreeMap<&'static str, u64>,
    datapoints_lost_before: u64,
    #[serde(skip)]
    abandoned: bool,
}

impl Balance {
    /// Adds up. Only when nothing is on its way can the sums agree.
    pub fn new<'a>(
        input: &Input,
        outputs: impl Iterator<Item = (&'static str, &'a Output)>,
        others: impl Iterator<Item = Sum>,
    ) -> Self {
        let (records, datapoints) = (input.records.get(), input.datapoints.get());
        let sinks: BTreeMap<_, _> = outputs
            .map(|(name, output)| (name, SinkBalance::new(output)))
            .collect();
        let balanced = sinks.values().all(|sink| {
            sink.abandoned
                || sink.records_written + sink.records_dropped.values().sum::<u64>() == records
                    && sink.datapoints_written + sink.datapoints_dropped.values().sum::<u64>() == datapoints
        });
        Self {
            connections_opened: input.connections_opened.get(),
            connections_closed: input.connections_closed.get(),
            connections_refused: input.connections_refused.get(),
            accept_failures: input.accept_failures.get(),
            connections_failed: input.connections_failed(),
            bytes_received: input.bytes.get(),
            blocks_received: input.blocks.get(),
            records_received: records,
            records_without_topic: input.records_without_topic.get(),
            records_throttled: input.throttled.records.get(),
            datapoints_throttled: input.throttled.datapoints.get(),
            tags_replaced: input.tags_replaced.get(),
            datapoints_received: datapoints,
            sinks,
            others: others
                .filter(|sum| sum.value > 0)
                .map(|sum| (sum.name, sum.value))
                .collect(),
            balanced,
        }
    }

    /// Whether every sink wrote or dropped exactly what was received.
    #[must_use]
    pub fn balanced(&self) -> bool {
        self.balanced
    }
}

impl SinkBalance {
    fn new(output: &Output) -> Self {
        let dropped = Reason::ALL.map(|reason| (reason.as_str(), output.dropped(reason)));
        Self {
            records_written: output.written.records.get(),
            datapoints_written: output.written.datapoints.get(),
            bytes_written: output.bytes_written.get(),
            records_dropped: reasons(dropped.map(|(reason, amount)| (reason, &amount.records))),
            datapoints_dropped: reasons(dropped.map(|(reason, amount)| (reason, &amount.datapoints))),
            datapoints_lost_before: output.lost_before.get(),
            abandoned: output.abandoned.load(Relaxed),
        }
    }
}

/// Only what happened.
fn reasons<const N: usize>(counters: [(&'static str, &Counter); N]) -> BTreeMap<&'static str, u64> {
    counters
        .into_iter()
        .map(|(reason, counter)| (reason, counter.get()))
        .filter(|(_, sum)| *sum > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_is_when_every_sink_accounts_for_everything() {
        let input = Input::default();
        let (one, other) = (Output::default(), Output::default());
        let others = [("agent_poll.queries", 3), ("agent_poll.refreshes", 0)].map(|(name, value)| Sum {
            name,
            help: "",
            value,
        });
        let balance = || {
            Balance::new(
                &input,
                [("one", &one), ("other", &other)].into_iter(),
                others.into_iter(),
            )
        };
        input.records.add(3);
        input.datapoints.add(5);
        one.written.records.add(3);
        one.written.datapoints.add(5);
        other.written.records.add(1);
        other.written.datapoints.add(1);
        other.dropped(Reason::QueueFull).add(1, 3);
        assert!(!balance().balanced());
        other.dropped(Reason::Shutdown).records.add(1);
        assert!(!balance().balanced());
        other.dropped(Reason::Shutdown).datapoints.add(1);
        assert!(balance().balanced());

        let json = serde_json::to_value(balance()).unwrap();
        assert_eq!(json["agent_poll.queries"], 3);
        assert_eq!(json.get("agent_poll.refreshes"), None);
        assert_eq!(json["sinks"]["one"]["datapoints_dropped"], serde_json::json!({}));
        let dropped = serde_json::json!({"queue_full": 3, "shutdown": 1});
        assert_eq!(json["sinks"]["other"]["datapoints_dropped"], dropped);
    }
}
