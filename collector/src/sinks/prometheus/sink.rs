//! The way into a registry.

use super::{Refusal, Registry};
use crate::sinks::Outcome;
use crate::telemetry::{Output, Reason};
use crate::{Batch, Sink};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// Puts everything into a registry.
#[derive(Debug)]
pub struct Prometheus {
    registry: Arc<Registry>,
}

impl Prometheus {
    /// A sink for `registry`.
    #[must_use]
    pub fn new(registry: Arc<Registry>) -> Self {
        Self { registry }
    }
}

impl Sink for Prometheus {
    fn name(&self) -> &'static str {
        "prometheus"
    }

    fn write(&mut self, batch: &Batch, output: &Output) -> io::Result<Outcome> {
        let now = Instant::now();
        let Ok(()) = batch.try_for_each(|record| {
            let recorded = self.registry.record(&record, now);
            let mut records = u64::from(recorded.taken > 0 || recorded.refused_total() == 0);
            output.written.add(records, recorded.taken);
            for refusal in Refusal::ALL {
                let refused = recorded.refused(refusal);
                if refused > 0 {
                    // A record of which nothing was taken is dropped, for the first of its reasons.
                    output
                        .dropped(reason(refusal))
                        .add(u64::from(records == 0), refused);
                    records = 1;
                }
            }
            Ok::<(), Infallible>(())
        });
        Ok(Outcome::Counted)
    }
}

fn reason(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::SeriesLimit | Refusal::Memory => Reason::SeriesLimit,
        Refusal::NotFinite | Refusal::NegativeIncrement => Reason::NoNumber,
        Refusal::BadName | Refusal::LabelsTooLong | Refusal::NameTaken => Reason::Refused,
    }
}
