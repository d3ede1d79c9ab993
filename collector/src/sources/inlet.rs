//! The way in for sources that are no connections: what is polled on this node.

use crate::Batch;
use crate::books::Books;
use stats_schema::MetricList;
use std::sync::Arc;
use tokio::sync::mpsc::WeakSender;

/// Hands records over to all sinks, from any thread.
#[derive(Clone, Debug)]
pub struct Inlet {
    /// Weak, so that a source that is busy elsewhere does not keep the collector from ending.
    batches: WeakSender<Vec<Batch>>,
    books: Option<Arc<Books>>,
}

impl Inlet {
    pub(crate) fn new(batches: WeakSender<Vec<Batch>>, books: Option<Arc<Books>>) -> Self {
        Self { batches, books }
    }

    /// Hands over `lists`, and waits while there is no room; false if the collector is ending.
    #[must_use]
    pub fn push(&self, lists: Vec<MetricList>) -> bool {
        let Some(batches) = self.batches.upgrade() else {
            return false;
        };
        let batch: Batch = lists.into_iter().collect();
        if batch.records() == 0 {
            return true;
        }
        if let Some(books) = &self.books {
            books.received(batch.datapoints() as u64);
        }
        batches.blocking_send(vec![batch]).is_ok()
    }
}
