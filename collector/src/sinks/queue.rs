//! The batches that wait for a sink, bounded in bytes. When it is full, the oldest go.
//!
//! The counters of the sink change in the same step as the queue, so their sums agree at any moment: what was received
//! is written, dropped, waiting, or the one batch the sink has in its hands.

use super::Outcome;
use crate::Batch;
use crate::books::Page;
use crate::telemetry::{Amount, Output, Reason};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// A queue between the fan-out, which never waits, and one sink's thread, which does.
#[derive(Debug)]
pub struct Queue {
    sink: &'static str,
    limit: usize,
    waiting: Mutex<Waiting>,
    changed: Condvar,
    output: Output,
    page: OnceLock<Page>,
    /// Whether the sink's thread has ended and all is counted.
    finished: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    batches: VecDeque<Arc<Batch>>,
    bytes: usize,
    /// The batch that the sink has taken and is not done with.
    taken: Option<Arc<Batch>>,
    end: Option<End>,
}

/// Why nothing is added any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The sink shall empty the queue and end, until this moment if it can.
    Closed(Instant),
    /// The sink cannot write any more.
    Failed,
    /// The sink was not waited for any longer.
    Abandoned,
}

/// What a sink gets to do.
#[derive(Debug)]
pub enum Taken {
    /// The oldest batch, to be followed by [`Queue::done`].
    Batch(Arc<Batch>),
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more; until when the sink may hand on what it kept.
    End(Instant),
}

impl Queue {
    /// An empty queue of at most `limit` bytes for the sink of this name.
    #[must_use]
    pub fn new(sink: &'static str, limit: usize) -> Self {
        Self {
            sink,
            limit,
            waiting: Mutex::default(),
            changed: Condvar::new(),
            output: Output::default(),
            page: OnceLock::new(),
            finished: AtomicBool::new(false),
        }
    }

    /// Whose queue it is.
    #[must_use]
    pub fn sink(&self) -> &'static str {
        self.sink
    }

    /// What became of what was pushed.
    #[must_use]
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Whether the sink cannot write any more.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.lock().end == Some(End::Failed)
    }

    /// Notes on `page` from now on what the sink is done with.
    pub(crate) fn keep_books(&self, page: Page) {
        // There are books once for a collector.
        let _ = self.page.set(page);
    }

    /// Brings the books up to date.
    pub(crate) fn note(&self) {
        if let Some(page) = self.page.get() {
            page.done(self.output.datapoints_done());
        }
    }

    /// Adds a batch; drops the oldest ones, or this one if it is too large by itself, when there is no room.
    pub fn push(&self, batch: Arc<Batch>) {
        add(&self.output.received, &batch);
        let mut waiting = self.lock();
        match waiting.end {
            None => {}
            Some(End::Failed) => {
                add(self.output.dropped(Reason::WriteFailed), &batch);
                return self.note();
            }
            Some(End::Closed(_) | End::Abandoned) => {
                return add(self.output.dropped(Reason::Shutdown), &batch);
            }
        }
        waiting.bytes += batch.bytes();
        waiting.batches.push_back(batch);
        while waiting.bytes > self.limit
            && let Some(oldest) = waiting.batches.pop_front()
        {
            waiting.bytes -= oldest.bytes();
            add(self.output.dropped(Reason::QueueFull), &oldest);
            self.note();
        }
        self.changed.notify_one();
    }

    /// Waits for the oldest batch, for at most `patience` if there is one.
    pub fn take(&self, patience: Option<Duration>) -> Taken {
        let deadline = patience.map(|patience| Instant::now() + patience);
        let mut waiting = self.lock();
        loop {
            if let Some(batch) = waiting.batches.pop_front() {
                waiting.bytes -= batch.bytes();
                waiting.taken = Some(Arc::clone(&batch));
                return Taken::Batch(batch);
            }
            match waiting.end {
                Some(End::Closed(deadline)) => return Taken::End(deadline),
                Some(End::Failed | End::Abandoned) => return Taken::End(Instant::now()),
                None => {}
            }
            waiting = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return Taken::Nothing,
                Some(left) => {
                    let (waiting, _) = self
                        .changed
                        .wait_timeout(waiting, left)
                        .unwrap_or_else(PoisonError::into_inner);
                    waiting
                }
                None => self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Says what became of the batch taken last; nothing if writing failed, in which case all that waits and will be
    /// pushed is dropped as well.
    pub fn done(&self, batch: &Batch, outcome: Option<Outcome>) {
        let mut waiting = self.lock();
        if waiting.taken.take().is_none() {
            // Abandoned meanwhile, and counted as such.
            return;
        }
        match outcome {
            Some(Outcome::Written(bytes)) => {
                add(&self.output.written, batch);
                self.output.bytes_written.add(bytes);
            }
            Some(Outcome::Counted) => {}
            None => {
                add(self.output.dropped(Reason::WriteFailed), batch);
                self.drop_all(&mut waiting);
            }
        }
    }

    /// Takes no more batches; the sink ends when it has written those that wait, which it should have until `deadline`.
    pub fn close(&self, deadline: Instant) {
        let mut waiting = self.lock();
        waiting.end = waiting.end.or(Some(End::Closed(deadline)));
        self.changed.notify_one();
    }

    /// The sink has ended by itself, by a panic: it takes nothing any more.
    pub(crate) fn fail(&self) {
        self.drop_all(&mut self.lock());
    }

    /// The sink's thread has ended.
    pub(crate) fn finish(&self) {
        self.finished.store(true, Relaxed);
    }

    /// The sink is not waited for any longer: all that it has not written or dropped is dropped, whether it waits here or
    /// the sink keeps it. Nothing if it has ended.
    pub fn abandon(&self) {
        if self.finished.load(Relaxed) {
            return;
        }
        let mut waiting = self.lock();
        waiting.batches.clear();
        waiting.bytes = 0;
        waiting.taken = None;
        waiting.end = Some(End::Abandoned);
        self.output.abandon();
        self.note();
        self.changed.notify_one();
    }

    fn drop_all(&self, waiting: &mut Waiting) {
        let reason = self.output.dropped(Reason::WriteFailed);
        let taken = waiting.taken.take();
        for batch in waiting.batches.drain(..).chain(taken) {
            add(reason, &batch);
        }
        waiting.bytes = 0;
        waiting.end = Some(End::Failed);
        self.note();
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in here panics half-way through a change.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(amount: &Amount, batch: &Batch) {
    amount.add(batch.records() as u64, batch.datapoints() as u64);
}

#[cfg(test)]
mod tests;
