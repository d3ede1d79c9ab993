//! Records for Kafka (`reference/metrics.md` 2.5 and 2.6): each message is a complete object container file of records of
//! one topic.
//!
//! ```text
//! records ─> Sorter: Lists of each topic ─> Message ─> Throttle ─> Pending ─> the client ─> written
//!              │ too large                               │ limit     │ oldest     │ refused, too large
//!              └─> dropped                               └─> dropped └─> dropped  └─> dropped, or back to Pending
//! ```
//!
//! Nothing in here waits for Kafka: records are taken as fast as they come, whether there is a broker or not, and what
//! there is no room for is dropped, the oldest first, and counted. As long as a broker may still take a message, it is
//! sent again.

mod check;
mod client;
mod counters;
mod delivery;
mod health;
mod lists;
mod message;
mod names;
mod options;
mod pending;
mod search;
mod seldom;
mod settings;
mod sorter;
mod throttle;

pub use check::check;
pub use counters::Counters;
pub use options::{Compression, KafkaOptions, Key, Protocol, Secret};
pub use settings::Settings;

use self::delivery::Delivery;
use self::message::{Message, Trigger};
use self::search::Discover;
use self::settings::Brokers;
use self::sorter::Sorter;
use self::throttle::Throttle;
use super::Outcome;
use crate::hexadecimal;
use crate::telemetry::{Output, Reason};
use crate::{Batch, Sink};
use log::{debug, info, warn};
use stats_kafka::{Discovery, discover};
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Sends records to Kafka.
pub struct Kafka {
    log_bytes: bool,
    sorter: Sorter,
    ready: Vec<Message>,
    throttle: Option<Throttle>,
    delivery: Delivery,
    counters: Arc<Counters>,
}

impl Kafka {
    /// A sink that looks for brokers, connects, and sends what it is given.
    ///
    /// # Errors
    ///
    /// What the client does not accept in `settings`, a file with certificates for instance. That there is no broker is no
    /// error.
    pub fn new(settings: Settings) -> Result<Self, String> {
        let discover = discovery(&settings.brokers);
        Self::with_discovery(settings, discover)
    }

    fn with_discovery(settings: Settings, discover: Option<Discover>) -> Result<Self, String> {
        let counters = Arc::<Counters>::default();
        let throttle = settings
            .limit
            .map(|(bytes, period)| Throttle::new(bytes, period, Instant::now()));
        Ok(Self {
            log_bytes: settings.log_bytes,
            sorter: Sorter::new(settings.rules.clone(), Arc::clone(&counters)),
            ready: Vec::new(),
            throttle,
            delivery: Delivery::new(settings, discover, Arc::clone(&counters))?,
            counters,
        })
    }

    /// What it counts beside records and datapoints.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Queues the messages that are ready, as far as the limit allows.
    fn queue_ready(&mut self, output: &Output) {
        for message in self.ready.drain(..) {
            let allowed = self
                .throttle
                .as_mut()
                .is_none_or(|throttle| throttle.allows(message.file.len() as u64, Instant::now()));
            let what = || {
                let (records, bytes) = (message.records, message.file.len());
                let (topic, trigger) = (&message.topic, message.trigger);
                format!(
                    "{records} MetricLists ({bytes} bytes) for Kafka topic '{topic}' (trigger: {trigger})"
                )
            };
            if allowed {
                debug!("Producing {}", what());
                if self.log_bytes {
                    info!("{}: {}", what(), hexadecimal(&message.file));
                }
                self.counters.bytes.add(message.file.len() as u64);
                self.delivery.push(message, output);
            } else {
                warn!("Dropping {}", what());
                self.counters.throttled(&message);
                output
                    .dropped(Reason::Throttled)
                    .add(message.records, message.datapoints);
            }
        }
    }
}

impl Sink for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn write(&mut self, batch: &Batch, output: &Output) -> io::Result<Outcome> {
        let Ok(()) = batch.try_for_each(|record| {
            self.sorter.push(&record, &mut self.ready, output);
            Ok::<(), Infallible>(())
        });
        self.queue_ready(output);
        Ok(Outcome::Counted)
    }

    fn tick(&mut self, output: &Output) -> Option<Duration> {
        let until_flush = self.sorter.tick(Instant::now(), &mut self.ready);
        self.queue_ready(output);
        Some(self.delivery.advance(output).min(until_flush))
    }

    fn end(&mut self, output: &Output, deadline: Instant) {
        self.sorter.flush_all(Trigger::End, &mut self.ready);
        self.queue_ready(output);
        self.delivery.finish(deadline, output);
    }
}

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kafka")
            .field("sorter", &self.sorter)
            .finish_non_exhaustive()
    }
}

/// How to ask for the brokers, if they have to be asked for.
fn discovery(brokers: &Brokers) -> Option<Discover> {
    let Brokers::Framework {
        framework,
        name_server,
    } = brokers
    else {
        return None;
    };
    let (framework, discovery) = (
        framework.clone(),
        Discovery {
            name_server: *name_server,
            ..Discovery::default()
        },
    );
    Some(Arc::new(move || {
        discover(&framework, &discovery).map_err(|error| error.to_string())
    }))
}

#[cfg(test)]
mod tests;
