//! The way into a store.

use super::Store;
use super::rates::SAMPLE;
use crate::sinks::Outcome;
use crate::telemetry::{Output, Reason};
use crate::{Batch, Sink};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Puts everything into a store.
#[derive(Debug)]
pub struct StoreSink {
    store: Arc<Store>,
    next_sample: Instant,
}

impl StoreSink {
    /// A sink for `store`. It samples the rates as well, so there must be only one.
    #[must_use]
    pub fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            next_sample: Instant::now() + SAMPLE,
        }
    }
}

impl Sink for StoreSink {
    fn name(&self) -> &'static str {
        "http"
    }

    fn write(&mut self, batch: &Batch, output: &Output) -> io::Result<Outcome> {
        let (mut records, mut taken) = (0, 0);
        let (mut records_refused, mut refused) = (0, 0);
        self.store.record(Instant::now(), |store| {
            let Ok(()) = batch.try_for_each(|record| {
                let recorded = store(&record);
                taken += recorded.taken;
                refused += recorded.refused;
                // A record of which something found room was not dropped.
                if recorded.taken == 0 && recorded.refused > 0 {
                    records_refused += 1;
                } else {
                    records += 1;
                }
                Ok::<(), Infallible>(())
            });
        });
        output.written.add(records, taken);
        output.dropped(Reason::SeriesLimit).add(records_refused, refused);
        Ok(Outcome::Counted)
    }

    fn tick(&mut self, _output: &Output) -> Option<Duration> {
        let now = Instant::now();
        if now >= self.next_sample {
            self.store.sample(now);
            self.next_sample = now + SAMPLE;
        }
        Some(self.next_sample - now)
    }
}
