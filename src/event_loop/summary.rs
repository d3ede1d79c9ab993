//! A minute in one line of the log, in the old module's words: operators search for them (`reference/metrics.md` 1.22).

use crate::accounting::Accounting;
use log::Level;

pub(super) struct Summary {
    /// A warning if anything was dropped in this minute.
    pub(super) level: Level,
    pub(super) text: String,
}

impl Summary {
    /// What happened between `before` and `now`, with `endpoints` open and the connection to the collector in `state`.
    pub(super) fn new(before: &Accounting, now: &Accounting, endpoints: usize, state: &str) -> Self {
        let throttled = now.bytes_throttled - before.bytes_throttled;
        let kernel_drops = now.kernel_drops - before.kernel_drops;
        let mut dropped = throttled + kernel_drops;
        let mut text = format!(
            "Throughput from {endpoints} endpoints (bytes): received={}, throttled={throttled}; lines={}, kernel drops={kernel_drops} datagrams",
            now.bytes_received - before.bytes_received,
            now.lines_received - before.lines_received,
        );
        if let Some(statsd) = &now.statsd_output {
            let before = before.statsd_output.clone().unwrap_or_default();
            let lines = statsd.lines_dropped.total() - before.lines_dropped.total();
            dropped += lines;
            text += &format!(
                "; UDP Throughput (bytes): sent={}, dropped={} ({lines} lines)",
                statsd.bytes_forwarded - before.bytes_forwarded,
                statsd.bytes_dropped - before.bytes_dropped,
            );
        }
        if let Some(collector) = &now.collector_output {
            let before = before.collector_output.clone().unwrap_or_default();
            let datapoints = collector.datapoints_dropped.total() - before.datapoints_dropped.total();
            dropped += datapoints;
            text += &format!(
                "; TCP Throughput (bytes): sent={}, dropped={} ({datapoints} datapoints), pending={} (state {state})",
                collector.bytes_forwarded - before.bytes_forwarded,
                collector.bytes_dropped - before.bytes_dropped,
                collector.bytes_pending,
            );
        }
        let level = if dropped > 0 { Level::Warn } else { Level::Info };
        Self { level, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounting::{CollectorAccounting, CollectorDrops, StatsdAccounting, StatsdDrops};

    fn accounting(factor: u64) -> Accounting {
        Accounting {
            bytes_received: 1000 * factor,
            lines_received: 10 * factor,
            statsd_output: Some(StatsdAccounting {
                bytes_forwarded: 2000 * factor,
                ..StatsdAccounting::default()
            }),
            collector_output: Some(CollectorAccounting {
                bytes_forwarded: 3000 * factor,
                bytes_pending: 7,
                ..CollectorAccounting::default()
            }),
            ..Accounting::default()
        }
    }

    #[test]
    fn tells_what_was_added_since_the_last_one() {
        let summary = Summary::new(&accounting(1), &accounting(3), 5, "CONNECTED_DATA_READY");
        assert_eq!(
            summary.text,
            "Throughput from 5 endpoints (bytes): received=2000, throttled=0; lines=20, kernel drops=0 datagrams; \
             UDP Throughput (bytes): sent=4000, dropped=0 (0 lines); \
             TCP Throughput (bytes): sent=6000, dropped=0 (0 datapoints), pending=7 (state CONNECTED_DATA_READY)"
        );
        assert_eq!(summary.level, Level::Info);
    }

    #[test]
    fn any_drop_of_the_minute_is_a_warning() {
        let none = accounting(1);
        let throttled = Accounting {
            bytes_throttled: 1,
            ..accounting(1)
        };
        let kernel = Accounting {
            kernel_drops: 1,
            ..accounting(1)
        };
        let lines_dropped = StatsdDrops {
            send_failed: 1,
            ..StatsdDrops::default()
        };
        let statsd = Accounting {
            statsd_output: Some(StatsdAccounting {
                lines_dropped,
                ..StatsdAccounting::default()
            }),
            ..Accounting::default()
        };
        let datapoints_dropped = CollectorDrops {
            queue_full: 1,
            ..CollectorDrops::default()
        };
        let collector = Accounting {
            collector_output: Some(CollectorAccounting {
                datapoints_dropped,
                ..CollectorAccounting::default()
            }),
            ..Accounting::default()
        };
        for (before, now) in [
            (&none, &throttled),
            (&none, &kernel),
            (&Accounting::default(), &statsd),
            (&Accounting::default(), &collector),
        ] {
            assert_eq!(Summary::new(before, now, 0, "").level, Level::Warn, "{now:?}");
            assert_eq!(
                Summary::new(now, now, 0, "").level,
                Level::Info,
                "drops of earlier minutes are old news"
            );
        }
    }
}
