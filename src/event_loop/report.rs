//! What the module says of itself: metrics every period, and one line in the log every minute.

use super::attribution::Attribution;
use super::outputs::Outputs;
use super::reader::{Reader, Throughput};
use super::readers::Readers;
use super::summary::Summary;
use crate::accounting::Accounting;
use crate::output::collector::CollectorOutput;
use crate::output::statsd::StatsdOutput;
use crate::parameters::Parameters;
use crate::statsd::lines::Line;
use crate::statsd::number;
use serde_json::Value;
use std::time::{Duration, Instant};

const PREFIX: &str = "dcos.metrics.module";
const SUMMARY_PERIOD: Duration = Duration::from_secs(60);

pub(super) struct Reports {
    /// Of throttling and self-metrics.
    period: Duration,
    next_period: Instant,
    next_summary: Instant,
    self_metrics: bool,
    attribution: Attribution,
    /// The counters at the last self-metrics, and at the last summary.
    measured: Value,
    summarised: Accounting,
}

impl Reports {
    pub(super) fn new(parameters: &Parameters, now: Instant) -> Self {
        Self {
            period: parameters.period,
            next_period: now + parameters.period,
            next_summary: now + SUMMARY_PERIOD,
            self_metrics: parameters.self_metrics,
            attribution: Attribution::module(),
            measured: Value::Null,
            summarised: Accounting::default(),
        }
    }

    /// When [`turn`](Self::turn) has something to do at the latest.
    pub(super) fn deadline(&self) -> Instant {
        self.next_period.min(self.next_summary)
    }

    pub(super) fn accounting(&self, outputs: &Outputs, accounting: &Accounting) -> Accounting {
        Accounting {
            statsd_output: outputs.statsd.as_ref().map(StatsdOutput::accounting),
            collector_output: outputs.collector.as_ref().map(CollectorOutput::accounting),
            ..accounting.clone()
        }
    }

    pub(super) fn turn(
        &mut self,
        now: Instant,
        readers: &mut Readers,
        outputs: &mut Outputs,
        accounting: &mut Accounting,
    ) {
        if now >= self.next_period {
            self.next_period = now + self.period;
            for reader in readers.iter_mut() {
                self.end_period(reader, outputs, accounting);
            }
            if self.self_metrics {
                self.say_counters(outputs, accounting);
            }
        }
        if now >= self.next_summary {
            self.next_summary = now + SUMMARY_PERIOD;
            self.log_summary(readers, outputs, accounting);
        }
    }

    /// Says what came from an endpoint in the period (`reference/metrics.md` 1.15), and gives it its full share again.
    fn end_period(&self, reader: &mut Reader, outputs: &mut Outputs, accounting: &mut Accounting) {
        let Throughput { received, throttled } = std::mem::take(&mut reader.throughput);
        let level = if throttled > 0 {
            log::Level::Warn
        } else {
            log::Level::Debug
        };
        let port = reader.endpoint.port();
        log::log!(
            level,
            "Throughput from container at port {port} (bytes): received={received}, throttled={throttled}"
        );
        if !self.self_metrics {
            return;
        }
        for (name, bytes) in [("received", received), ("throttled", throttled)] {
            let rate = number::format(per_second(bytes, self.period));
            let line = format!("{PREFIX}.container_{name}_bytes_per_sec:{rate}|g");
            accounting.lines_generated += 1;
            outputs.line(
                Line::new(line.as_bytes()),
                &mut reader.attribution,
                super::now_ms(),
            );
        }
    }

    /// Every counter of the accounting under its own name: what was added since the last time, or for what is pending, how
    /// much is.
    fn say_counters(&mut self, outputs: &mut Outputs, accounting: &mut Accounting) {
        let now = match serde_json::to_value(self.accounting(outputs, accounting)) {
            Ok(now) => now,
            Err(error) => return log::error!("The module's counters can't be listed: {error}"),
        };
        let mut lines = Vec::new();
        counter_lines(PREFIX, &now, &self.measured, &mut lines);
        self.measured = now;
        for line in lines {
            accounting.lines_generated += 1;
            outputs.line(Line::new(line.as_bytes()), &mut self.attribution, super::now_ms());
        }
    }

    fn log_summary(&mut self, readers: &Readers, outputs: &Outputs, accounting: &Accounting) {
        let now = self.accounting(outputs, accounting);
        let state = outputs.collector.as_ref().map_or("", CollectorOutput::state);
        let summary = Summary::new(&self.summarised, &now, readers.count(), state);
        log::log!(summary.level, "{}", summary.text);
        self.summarised = now;
    }
}

fn per_second(bytes: u64, period: Duration) -> f64 {
    let seconds = period.as_secs_f64();
    // Exact up to 2^53 bytes a period.
    let bytes = bytes as f64;
    if seconds > 0.0 { bytes / seconds } else { bytes }
}

fn counter_lines(name: &str, now: &Value, before: &Value, lines: &mut Vec<String>) {
    match now {
        Value::Object(fields) => {
            for (field, value) in fields {
                counter_lines(&format!("{name}.{field}"), value, &before[field], lines);
            }
        }
        Value::Number(number) => {
            let count = number.as_u64().unwrap_or_default();
            lines.push(if name.ends_with("_pending") {
                format!("{name}:{count}|g")
            } else {
                format!("{name}:{}|c", count - before.as_u64().unwrap_or_default())
            });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounting::{StatsdAccounting, StatsdDrops};

    #[test]
    fn counters_are_said_as_what_was_added() {
        let statsd = |too_long, lines_pending| Accounting {
            bytes_received: 10 + too_long,
            statsd_output: Some(StatsdAccounting {
                lines_dropped: StatsdDrops {
                    too_long,
                    ..StatsdDrops::default()
                },
                lines_pending,
                ..StatsdAccounting::default()
            }),
            ..Accounting::default()
        };
        let before = serde_json::to_value(statsd(2, 9)).unwrap();
        let mut lines = Vec::new();
        counter_lines(
            PREFIX,
            &serde_json::to_value(statsd(7, 3)).unwrap(),
            &before,
            &mut lines,
        );
        for expected in [
            "dcos.metrics.module.bytes_received:5|c",
            "dcos.metrics.module.statsd_output.lines_dropped.too_long:5|c",
            "dcos.metrics.module.statsd_output.lines_pending:3|g",
        ] {
            assert!(
                lines.iter().any(|line| line == expected),
                "{expected} is not in {lines:?}"
            );
        }
        assert!(!lines.iter().any(|line| line.contains("collector_output")));
        let mut first = Vec::new();
        counter_lines(PREFIX, &before, &Value::Null, &mut first);
        assert!(
            first
                .iter()
                .any(|line| line == "dcos.metrics.module.bytes_received:12|c")
        );
    }

    #[test]
    fn rates_are_per_second_of_the_period() {
        assert_eq!(per_second(10, Duration::from_millis(500)), 20.0);
        assert_eq!(per_second(7, Duration::ZERO), 7.0);
    }
}
