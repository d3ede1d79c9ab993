//! The batches that wait for a sink, bounded in bytes. When it is full, the oldest go.
//!
//! The counters of the sink change in the same step as the queue, so their sums agree at any moment: what was received
//! is written, dropped, waiting, or the one batch the sink has in its hands.

use crate::Batch;
use crate::telemetry::{Amount, Output};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A queue between the fan-out, which never waits, and one sink's thread, which does.
#[derive(Debug)]
pub struct Queue {
    sink: &'static str,
    limit: usize,
    waiting: Mutex<Waiting>,
    changed: Condvar,
    output: Output,
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
    /// The sink shall empty the queue and end.
    Closed,
    /// The sink cannot write any more.
    Failed,
    /// The sink was not waited for any longer.
    Abandoned,
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

    /// Adds a batch; drops the oldest ones, or this one if it is too large by itself, when there is no room.
    pub fn push(&self, batch: Arc<Batch>) {
        add(&self.output.received, &batch);
        let mut waiting = self.lock();
        match waiting.end {
            None => {}
            Some(End::Failed) => return add(&self.output.dropped_write_failed, &batch),
            Some(End::Closed | End::Abandoned) => return add(&self.output.dropped_shutdown, &batch),
        }
        waiting.bytes += batch.bytes();
        waiting.batches.push_back(batch);
        while waiting.bytes > self.limit
            && let Some(oldest) = waiting.batches.pop_front()
        {
            waiting.bytes -= oldest.bytes();
            add(&self.output.dropped_queue_full, &oldest);
        }
        self.changed.notify_one();
    }

    /// Waits for the oldest batch; nothing when the queue was closed and is empty, or was abandoned.
    /// Every batch taken has to be followed by [`Queue::done`].
    pub fn take(&self) -> Option<Arc<Batch>> {
        let mut waiting = self.lock();
        loop {
            if let Some(batch) = waiting.batches.pop_front() {
                waiting.bytes -= batch.bytes();
                waiting.taken = Some(Arc::clone(&batch));
                return Some(batch);
            }
            if waiting.end.is_some() {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says what became of the batch taken last: written as so many bytes, or not, in which case all that waits and
    /// will be pushed is dropped as well.
    pub fn done(&self, batch: &Batch, bytes_written: Option<u64>) {
        let mut waiting = self.lock();
        if waiting.taken.take().is_none() {
            // Abandoned meanwhile, and counted as such.
            return;
        }
        if let Some(bytes) = bytes_written {
            add(&self.output.written, batch);
            self.output.bytes_written.add(bytes);
        } else {
            add(&self.output.dropped_write_failed, batch);
            self.drop_all(&mut waiting, End::Failed);
        }
    }

    /// Takes no more batches; the sink ends when it has written those that wait.
    pub fn close(&self) {
        let mut waiting = self.lock();
        waiting.end = waiting.end.or(Some(End::Closed));
        self.changed.notify_one();
    }

    /// Drops what waits and what the sink has in its hands.
    pub fn abandon(&self) {
        self.drop_all(&mut self.lock(), End::Abandoned);
    }

    fn drop_all(&self, waiting: &mut Waiting, end: End) {
        let reason = if end == End::Failed {
            &self.output.dropped_write_failed
        } else {
            &self.output.dropped_shutdown
        };
        let taken = waiting.taken.take();
        for batch in waiting.batches.drain(..).chain(taken) {
            add(reason, &batch);
        }
        waiting.bytes = 0;
        waiting.end = Some(end);
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in here panics half-way through a change.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(amount: &Amount, batch: &Batch) {
    amount.records.add(batch.records() as u64);
    amount.datapoints.add(batch.datapoints() as u64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use stats_schema::RecordRef;

    /// A batch of `records` records.
    fn batch(records: usize) -> Arc<Batch> {
        let mut batch = Batch::default();
        for _ in 0..records {
            batch.push(&RecordRef {
                topic: "t",
                tags: &[],
                datapoints: &[],
            });
        }
        Arc::new(batch)
    }

    /// Records received, written, and dropped for each reason.
    fn counts(queue: &Queue) -> [u64; 5] {
        let output = queue.output();
        [
            &output.received,
            &output.written,
            &output.dropped_queue_full,
            &output.dropped_write_failed,
            &output.dropped_shutdown,
        ]
        .map(|amount| amount.records.get())
    }

    #[test]
    fn oldest_go_when_it_is_full() {
        let queue = Queue::new("test", 2 * batch(1).bytes());
        for _ in 0..3 {
            queue.push(batch(1));
        }
        assert_eq!(counts(&queue), [3, 0, 1, 0, 0]);
        let newest = batch(1);
        queue.push(Arc::clone(&newest));
        assert_eq!(counts(&queue), [4, 0, 2, 0, 0]);
        queue.take().unwrap();
        queue.done(&newest, Some(9));
        assert!(Arc::ptr_eq(&queue.take().unwrap(), &newest));
        queue.done(&newest, Some(9));
        assert_eq!(counts(&queue), [4, 2, 2, 0, 0]);
        assert_eq!(queue.output().bytes_written.get(), 18);
    }

    #[test]
    fn a_batch_larger_than_the_queue_is_dropped() {
        let queue = Queue::new("test", batch(1).bytes());
        queue.push(batch(1000));
        assert_eq!(counts(&queue), [1000, 0, 1000, 0, 0]);
        queue.push(batch(1));
        assert!(queue.take().is_some());
    }

    #[test]
    fn after_a_failure_everything_is_dropped() {
        let queue = Queue::new("test", 1 << 20);
        (0..3).for_each(|_| queue.push(batch(1)));
        let taken = queue.take().unwrap();
        queue.done(&taken, None);
        queue.push(batch(1));
        assert_eq!(counts(&queue), [4, 0, 0, 4, 0]);
        assert!(queue.take().is_none());
    }

    #[test]
    fn closed_it_is_emptied_and_ends() {
        let queue = Queue::new("test", 1 << 20);
        queue.push(batch(1));
        queue.close();
        queue.push(batch(1));
        let taken = queue.take().unwrap();
        queue.done(&taken, Some(0));
        assert!(queue.take().is_none());
        assert_eq!(counts(&queue), [2, 1, 0, 0, 1]);
    }

    #[test]
    fn abandoned_it_counts_what_the_sink_holds_once() {
        let queue = Queue::new("test", 1 << 20);
        (0..2).for_each(|_| queue.push(batch(1)));
        let taken = queue.take().unwrap();
        queue.abandon();
        assert_eq!(counts(&queue), [2, 0, 0, 0, 2]);
        queue.done(&taken, Some(1));
        assert_eq!(counts(&queue), [2, 0, 0, 0, 2]);
        assert!(queue.take().is_none());
    }

    #[test]
    fn a_waiting_sink_is_woken() {
        let queue = Arc::new(Queue::new("test", 1 << 20));
        let sink = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let mut taken = 0;
                while let Some(batch) = queue.take() {
                    queue.done(&batch, Some(0));
                    taken += 1;
                }
                taken
            }
        });
        (0..100).for_each(|_| queue.push(batch(1)));
        queue.close();
        assert_eq!(sink.join().unwrap(), 100);
        assert_eq!(counts(&queue), [100, 100, 0, 0, 0]);
    }
}
