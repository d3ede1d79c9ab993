//! What all answers have in common.

use super::history::History;
use super::store::Store;
use crate::Counts;
use crate::sinks::prometheus::Registry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tokio::sync::Semaphore;

/// Answers in memory at a time, those included that their reader takes slowly.
const HELD: usize = 8;
/// Answers rendered at a time.
const RENDERERS: usize = 2;

/// What the answers are made of.
#[derive(Debug)]
pub struct HttpState {
    pub(super) counts: Counts,
    pub(super) store: Arc<Store>,
    pub(super) registry: Option<Arc<Registry>>,
    pub(super) started: SystemTime,
    pub(super) answers: Arc<Semaphore>,
    pub(super) renderers: Arc<Semaphore>,
    history: Mutex<History>,
}

impl HttpState {
    /// What the collector counts, the last values in `store`, and what `/metrics` shows in `registry`.
    #[must_use]
    pub fn new(counts: Counts, store: Arc<Store>, registry: Option<Arc<Registry>>) -> Self {
        Self {
            history: Mutex::new(History::new(&counts.input, &counts.queues)),
            counts,
            store,
            registry,
            started: SystemTime::now(),
            answers: Arc::new(Semaphore::new(HELD)),
            renderers: Arc::new(Semaphore::new(RENDERERS)),
        }
    }

    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        // Nothing in there panics half-way through a change.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
