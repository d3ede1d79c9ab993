//! The books: what arrived, what left, and what became of the difference.
//!
//! Every datagram, line, datapoint and byte has one fate, and [`Accounting::imbalances`] adds them up. The loop owns the
//! counters, so counting costs an addition; others see copies. All counts are since the start of the core.

use serde::Serialize;

/// All counters of the core.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Accounting {
    /// Endpoints opened, those that were recovered included.
    pub endpoints_opened: u64,
    /// Endpoints closed.
    pub endpoints_closed: u64,
    /// Datagrams taken from the sockets, those throttled included.
    pub datagrams_received: u64,
    /// Bytes in them.
    pub bytes_received: u64,
    /// Datagrams whose lines were read.
    pub datagrams_read: u64,
    /// Datagrams not looked at because their endpoint had used up its limit.
    pub datagrams_throttled: u64,
    /// Bytes in them.
    pub bytes_throttled: u64,
    /// Datagrams lost because the core panicked over them.
    pub datagrams_panicked: u64,
    /// Datagrams whose end the kernel cut off, because they were longer than 64 KiB; their last line is dropped.
    pub datagrams_truncated: u64,
    /// Datagrams the kernel threw away before the core could take them. Nothing else is known of them.
    pub kernel_drops: u64,
    /// Receive calls that failed with anything but "nothing there".
    pub receive_errors: u64,
    /// Lines found in the datagrams received and not throttled, those cut off not included.
    pub lines_received: u64,
    /// Lines the core made itself: its metrics, and the containers' resource usage.
    pub lines_generated: u64,
    /// Times the loop was restarted after a panic.
    pub panics: u64,
    /// The StatsD output's share; absent if it is off.
    pub statsd_output: Option<StatsdAccounting>,
    /// The collector output's share; absent if it is off.
    pub collector_output: Option<CollectorAccounting>,
}

/// Fates of lines at the StatsD output.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StatsdAccounting {
    /// Lines that were to be sent.
    pub lines: u64,
    /// Of those, events and service checks that passed without the key prefix they can't have.
    pub lines_not_annotated: u64,
    /// Lines handed to the kernel.
    pub lines_forwarded: u64,
    /// Datagrams handed to the kernel.
    pub datagrams_forwarded: u64,
    /// Bytes handed to the kernel.
    pub bytes_forwarded: u64,
    /// Datagrams after which the destination's host said that nobody listens. They count as forwarded.
    pub datagrams_refused: u64,
    /// Lines that were not sent.
    pub lines_dropped: StatsdDrops,
    /// Bytes of those lines, as far as they were datagrams or too long for one.
    pub bytes_dropped: u64,
    /// Lines waiting in the chunk.
    pub lines_pending: u64,
}

/// Why lines were not sent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StatsdDrops {
    /// The destination's name was not resolved yet.
    pub no_destination: u64,
    /// With its tags, the line is longer than any datagram.
    pub too_long: u64,
    /// The send buffer was full.
    pub send_buffer_full: u64,
    /// The kernel refused the datagram for another reason.
    pub send_failed: u64,
}

/// Fates of lines and datapoints at the collector output.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CollectorAccounting {
    /// Lines that were to become datapoints.
    pub lines: u64,
    /// Of those, events: they are no metrics, and the schema has no place for them.
    pub events: u64,
    /// Of those, service checks.
    pub service_checks: u64,
    /// Lines with bytes that are no UTF-8, which became replacement characters.
    pub lines_not_utf8: u64,
    /// Datapoints made of lines.
    pub datapoints: u64,
    /// Of those, the ones whose value could not be read and became 0.
    pub values_corrupt: u64,
    /// Values that were no finite numbers, and made no datapoint.
    pub values_non_finite: u64,
    /// Values behind the first of a line, which the schema of 2016 leaves out.
    pub values_not_first: u64,
    /// Values of a line that had become a MiB already: each value repeats the line's name and tags.
    pub values_over_limit: u64,
    /// Sample rates that could not be read and were taken as 1.
    pub sample_rates_corrupt: u64,
    /// Datapoints in blocks that the collector has acknowledged, or that were handed to the kernel whole if it is one that
    /// does not acknowledge.
    pub datapoints_forwarded: u64,
    /// Those blocks.
    pub blocks_forwarded: u64,
    /// Bytes of those blocks.
    pub bytes_forwarded: u64,
    /// Datapoints sent once more, because a connection ended before they were acknowledged; the collector may have them
    /// twice.
    pub datapoints_sent_again: u64,
    /// Datapoints that were not sent.
    pub datapoints_dropped: CollectorDrops,
    /// Bytes of the blocks dropped.
    pub bytes_dropped: u64,
    /// Datapoints in the block being built and in the queue, sent and not acknowledged ones included.
    pub datapoints_pending: u64,
    /// Bytes in the queue.
    pub bytes_pending: u64,
    /// Connections that were established.
    pub connects: u64,
    /// Established connections that ended, and attempts that failed.
    pub disconnects: u64,
}

/// Why datapoints were not sent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CollectorDrops {
    /// The queue was full and the block was its oldest.
    pub queue_full: u64,
    /// The collector ended connection after connection over their block.
    pub refused: u64,
    /// The core ended before the collector took them.
    pub shutdown: u64,
}

impl StatsdDrops {
    /// All reasons together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.no_destination + self.too_long + self.send_buffer_full + self.send_failed
    }
}

impl CollectorDrops {
    /// All reasons together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.queue_full + self.refused + self.shutdown
    }
}

impl Accounting {
    /// The sums that do not agree, one text each; none, if nothing was lost silently.
    #[must_use]
    pub fn imbalances(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut check = |what: &str, left: u64, right: u64| {
            if left != right {
                wrong.push(format!("{what}: {left} is not {right}"));
            }
        };
        let fates = self.datagrams_read + self.datagrams_throttled + self.datagrams_panicked;
        check(
            "datagrams received = read, throttled and panicked",
            self.datagrams_received,
            fates,
        );
        let lines = self.lines_received + self.lines_generated;
        if let Some(statsd) = &self.statsd_output {
            check(
                "lines received and generated = lines at the StatsD output",
                lines,
                statsd.lines,
            );
            let fates = statsd.lines_forwarded + statsd.lines_dropped.total() + statsd.lines_pending;
            check(
                "lines at the StatsD output = forwarded, dropped and pending",
                statsd.lines,
                fates,
            );
        }
        if let Some(collector) = &self.collector_output {
            check(
                "lines received and generated = lines at the collector output",
                lines,
                collector.lines,
            );
            let fates = collector.datapoints_forwarded
                + collector.datapoints_dropped.total()
                + collector.datapoints_pending;
            check(
                "datapoints = forwarded, dropped and pending",
                collector.datapoints,
                fates,
            );
        }
        wrong
    }
}
