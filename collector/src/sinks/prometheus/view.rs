//! The registry as a sink.

use super::{Recorded, Refusal, Registry};
use crate::Batch;
use crate::sinks::{Outcome, Sink};
use crate::telemetry::{Output, Reason};
use log::warn;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Adds every record to a [`Registry`], which HTTP requests show.
#[derive(Debug)]
pub struct View {
    registry: Arc<Registry>,
    /// What was refused since the last warning, and when that was.
    refused: Recorded,
    warned: Option<Instant>,
}

/// Refusals are logged this often: whoever made them will go on making them.
const WARN_EVERY: Duration = Duration::from_secs(60);

impl View {
    /// A sink that fills `registry`.
    #[must_use]
    pub fn new(registry: Arc<Registry>) -> Self {
        Self {
            registry,
            refused: Recorded::default(),
            warned: None,
        }
    }

    fn warn(&mut self, now: Instant) {
        if self.refused.refused_total() == 0 || self.warned.is_some_and(|warned| now - warned < WARN_EVERY) {
            return;
        }
        let reasons: Vec<_> = Refusal::ALL
            .into_iter()
            .filter(|refusal| self.refused.refused(*refusal) > 0)
            .map(|refusal| format!("{} {}", self.refused.refused(refusal), refusal.as_str()))
            .collect();
        warn!(
            "/metrics has no place for some datapoints: {}; --prometheus-series and --prometheus-memory-kbytes say how much \
             there is",
            reasons.join(", ")
        );
        self.refused = Recorded::default();
        self.warned = Some(now);
    }
}

impl Sink for View {
    fn name(&self) -> &'static str {
        "prometheus"
    }

    fn write(&mut self, batch: &Batch, output: &Output) -> io::Result<Outcome> {
        let now = Instant::now();
        let Ok(()) = batch.try_for_each(|record| {
            let recorded = self.registry.record(&record, now);
            let mut record_is_counted = recorded.taken > 0 || recorded.refused_total() == 0;
            output.written.add(u64::from(record_is_counted), recorded.taken);
            for refusal in Refusal::ALL {
                let datapoints = recorded.refused(refusal);
                if datapoints > 0 {
                    // A record of which nothing was taken counts once.
                    output
                        .dropped(reason(refusal))
                        .add(u64::from(!record_is_counted), datapoints);
                    record_is_counted = true;
                }
            }
            self.refused += recorded;
            Ok::<(), Infallible>(())
        });
        self.warn(now);
        Ok(Outcome::Counted)
    }
}

fn reason(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::SeriesLimit | Refusal::Memory => Reason::SeriesLimit,
        Refusal::NotFinite => Reason::NoNumber,
        Refusal::NegativeIncrement | Refusal::BadName | Refusal::NameTaken => Reason::Refused,
        Refusal::LabelsTooLong => Reason::TooLarge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::prometheus::Limits;
    use stats_schema::{Datapoint, MetricList, MetricType};

    fn list(points: &[(&str, f64)]) -> MetricList {
        MetricList {
            topic: "t".into(),
            tags: Vec::new(),
            datapoints: points
                .iter()
                .map(|(name, value)| Datapoint {
                    name: (*name).into(),
                    time_ms: 0,
                    value: *value,
                    metric_type: MetricType::Gauge,
                    sample_rate: 1.0,
                    text: None,
                })
                .collect(),
        }
    }

    #[test]
    fn every_record_and_datapoint_is_counted_once() {
        let limits = Limits {
            series: 2,
            bytes: 1 << 20,
            expiry: Duration::from_secs(60),
        };
        let mut view = View::new(Arc::new(Registry::new(limits, Instant::now())));
        let output = Output::default();
        let batch: Batch = [
            list(&[("a", 1.0), ("a", f64::NAN), ("b", 1.0)]),
            list(&[("c", 1.0), ("", 1.0)]),
            list(&[]),
            list(&[("a", 2.0)]),
        ]
        .into_iter()
        .collect();
        assert_eq!(view.write(&batch, &output).unwrap(), Outcome::Counted);
        assert_eq!(output.written.get(), (3, 3));
        assert_eq!(output.dropped(Reason::NoNumber).get(), (0, 1));
        let refused = [Reason::SeriesLimit, Reason::Refused].map(|reason| output.dropped(reason).get());
        assert_eq!(refused.map(|(_, datapoints)| datapoints), [1, 1]);
        assert_eq!(refused.iter().map(|(records, _)| records).sum::<u64>(), 1);
    }
}
