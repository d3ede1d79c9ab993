//! All outputs together: a line goes to each that is on.

use super::attribution::Attribution;
use crate::output::collector::CollectorOutput;
use crate::output::statsd::StatsdOutput;
use crate::statsd::lines::Line;
use crate::statsd::number;
use mio::Registry;
use std::time::Instant;

pub(super) struct Outputs {
    pub(super) statsd: Option<StatsdOutput>,
    pub(super) collector: Option<CollectorOutput>,
}

impl Outputs {
    /// Takes a line that arrived at `now_ms`, in milliseconds since 1970. Without a rendered attribution it is the module's own.
    pub(super) fn line(&mut self, line: Line<'_>, from: &mut Attribution, now_ms: i64) {
        if let Some(statsd) = &mut self.statsd {
            match &from.rendered {
                Some(rendered) => statsd.line(line, rendered),
                None => statsd.line_of_module(line),
            }
        }
        if let Some(collector) = &mut self.collector {
            collector.line(line, &from.source, &mut from.slot, now_ms);
        }
    }

    /// Takes a gauge that was measured at `time_ms`, in milliseconds since 1970.
    pub(super) fn gauge(&mut self, name: &str, value: f64, from: &mut Attribution, time_ms: i64) {
        if let (Some(statsd), Some(rendered)) = (&mut self.statsd, &from.rendered) {
            // Six digits, as the old module wrote them (`reference/metrics.md` 1.17); Avro carries them all.
            let line = format!("{name}:{}|g", number::format(value));
            statsd.line(Line::new(line.as_bytes()), rendered);
        }
        if let Some(collector) = &mut self.collector {
            collector.gauge(name, value, &from.source, &mut from.slot, time_ms);
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let statsd = self.statsd.as_ref().and_then(StatsdOutput::deadline);
        let collector = self.collector.as_ref().and_then(CollectorOutput::deadline);
        [statsd, collector].into_iter().flatten().min()
    }

    pub(super) fn turn(&mut self, now: Instant, registry: &Registry) {
        if let Some(statsd) = &mut self.statsd {
            statsd.turn(now);
        }
        if let Some(collector) = &mut self.collector {
            collector.turn(now, registry);
        }
    }

    /// Closes chunk and block, whatever their size.
    pub(super) fn flush(&mut self) {
        if let Some(statsd) = &mut self.statsd {
            statsd.flush();
        }
        if let Some(collector) = &mut self.collector {
            collector.flush();
        }
    }
}
