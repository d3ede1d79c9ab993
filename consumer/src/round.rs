//! The time in which the workers read from the brokers that are known.
//!
//! When all of these have been out of reach for long, and the framework names others by now, the round is over: the workers
//! deliver what they have read and end, and the next round begins with new clients. What could not be committed any more is
//! read again then. Within a round the client follows the cluster by itself; only when no broker is where it was does it need
//! the framework.

use crate::kafka::KafkaOptions;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often a round looks after its workers.
const TICK: Duration = Duration::from_millis(100);

/// What the workers of a round and who watches them tell each other.
#[derive(Debug, Default)]
pub(crate) struct Round {
    over: AtomicBool,
    out_of_reach: AtomicBool,
}

impl Round {
    /// Whether the workers should end.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Says that the workers should end, or have.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// A client has lost all brokers. Says whether that is news.
    pub(crate) fn lost(&self) -> bool {
        !self.out_of_reach.swap(true, Ordering::Relaxed)
    }

    /// A message came, or there is reason to wait for the clients' next word.
    pub(crate) fn reached(&self) {
        // Mostly they are, and the others' caches need not hear it.
        if self.is_out_of_reach() {
            self.out_of_reach.store(false, Ordering::Relaxed);
        }
    }

    /// Whether all brokers are away, as far as is known: where no messages come, nobody notices that they are back.
    fn is_out_of_reach(&self) -> bool {
        self.out_of_reach.load(Ordering::Relaxed)
    }

    /// Waits until the brokers are others than `known`, ends the round, and says which; None if it is over before.
    pub(crate) fn watch(&self, kafka: &KafkaOptions, known: &[String]) -> Option<Vec<String>> {
        let mut away_since = None;
        while !self.is_over() {
            thread::sleep(TICK);
            if !self.is_out_of_reach() {
                away_since = None;
                continue;
            }
            let since = *away_since.get_or_insert_with(Instant::now);
            if since.elapsed() < kafka.rediscovery_time() {
                continue;
            }
            let found = kafka.await_brokers(|| self.is_over() || !self.is_out_of_reach());
            if let Some(found) = found
                && found.iter().collect::<BTreeSet<_>>() != known.iter().collect()
            {
                log::warn!("the brokers are no longer {}", known.join(", "));
                self.end();
                return Some(found);
            }
            // If they are still away, the clients will say so again.
            self.reached();
            away_since = None;
        }
        None
    }
}
