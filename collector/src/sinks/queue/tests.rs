use super::*;
use proptest::prelude::*;
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
        output.dropped(Reason::QueueFull),
        output.dropped(Reason::WriteFailed),
        output.dropped(Reason::Shutdown),
    ]
    .map(|amount| amount.records.get())
}

fn next(queue: &Queue) -> Option<Arc<Batch>> {
    match queue.take(None) {
        Taken::Batch(batch) => Some(batch),
        Taken::Nothing => panic!("it waits for ever"),
        Taken::End(_) => None,
    }
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
    next(&queue).unwrap();
    queue.done(&newest, Some(Outcome::Written(9)));
    assert!(Arc::ptr_eq(&next(&queue).unwrap(), &newest));
    queue.done(&newest, Some(Outcome::Written(9)));
    assert_eq!(counts(&queue), [4, 2, 2, 0, 0]);
    assert_eq!(queue.output().bytes_written.get(), 18);
}

#[test]
fn a_batch_larger_than_the_queue_is_dropped() {
    let queue = Queue::new("test", batch(1).bytes());
    queue.push(batch(1000));
    assert_eq!(counts(&queue), [1000, 0, 1000, 0, 0]);
    queue.push(batch(1));
    assert!(next(&queue).is_some());
}

#[test]
fn after_a_failure_everything_is_dropped() {
    let queue = Queue::new("test", 1 << 20);
    (0..3).for_each(|_| queue.push(batch(1)));
    let held = next(&queue).unwrap();
    queue.done(&held, None);
    queue.push(batch(1));
    assert_eq!(counts(&queue), [4, 0, 0, 4, 0]);
    assert!(next(&queue).is_none());
}

#[test]
fn closed_it_is_emptied_and_ends() {
    let queue = Queue::new("test", 1 << 20);
    queue.push(batch(1));
    queue.close(Instant::now());
    queue.push(batch(1));
    let held = next(&queue).unwrap();
    queue.done(&held, Some(Outcome::Written(0)));
    assert!(next(&queue).is_none());
    assert_eq!(counts(&queue), [2, 1, 0, 0, 1]);
}

#[test]
fn abandoned_it_counts_what_the_sink_holds_once() {
    let queue = Queue::new("test", 1 << 20);
    (0..2).for_each(|_| queue.push(batch(1)));
    let held = next(&queue).unwrap();
    queue.abandon();
    assert_eq!(counts(&queue), [2, 0, 0, 0, 2]);
    queue.done(&held, Some(Outcome::Written(1)));
    assert_eq!(counts(&queue), [2, 0, 0, 0, 2]);
    assert!(next(&queue).is_none());
}

#[test]
fn a_sink_that_keeps_what_it_took_counts_it_itself() {
    let queue = Queue::new("test", 1 << 20);
    queue.push(batch(2));
    let held = next(&queue).unwrap();
    queue.done(&held, Some(Outcome::Counted));
    assert_eq!(counts(&queue), [2, 0, 0, 0, 0]);
    assert!(matches!(queue.take(Some(Duration::ZERO)), Taken::Nothing));
    let deadline = Instant::now() + Duration::from_secs(9);
    queue.close(deadline);
    assert!(matches!(queue.take(Some(Duration::ZERO)), Taken::End(until) if until == deadline));
}

#[test]
fn a_waiting_sink_is_woken() {
    let queue = Arc::new(Queue::new("test", 1 << 20));
    let sink = std::thread::spawn({
        let queue = Arc::clone(&queue);
        move || {
            let mut taken = 0;
            while let Some(batch) = next(&queue) {
                queue.done(&batch, Some(Outcome::Written(0)));
                taken += 1;
            }
            taken
        }
    });
    (0..100).for_each(|_| queue.push(batch(1)));
    queue.close(Instant::now());
    assert_eq!(sink.join().unwrap(), 100);
    assert_eq!(counts(&queue), [100, 100, 0, 0, 0]);
}

/// What may happen to a queue, in any order.
#[derive(Clone, Debug)]
enum Step {
    /// A batch of so many records comes.
    Push(usize),
    /// The sink asks for one, if it has none.
    Take,
    /// The sink is done with the one it has.
    Done(Done),
    Close,
    Fail,
    Abandon,
}

#[derive(Clone, Copy, Debug)]
enum Done {
    Written,
    Counted,
    Failed,
}

fn step() -> impl Strategy<Value = Step> {
    let done = prop_oneof![Just(Done::Written), Just(Done::Counted), Just(Done::Failed)];
    prop_oneof![
        40 => (1usize..60).prop_map(Step::Push),
        30 => Just(Step::Take),
        20 => done.prop_map(Step::Done),
        1 => Just(Step::Close),
        1 => Just(Step::Fail),
        1 => Just(Step::Abandon),
    ]
}

/// A queue as one would describe it: records by where they are.
#[derive(Default)]
struct Plain {
    waiting: Vec<Arc<Batch>>,
    taken: Option<Arc<Batch>>,
    /// As [`counts`] tells them.
    counts: [u64; 5],
    /// Records that the sink keeps and counts itself.
    kept: u64,
    end: Option<usize>,
}

const RECEIVED: usize = 0;
const WRITTEN: usize = 1;
const QUEUE_FULL: usize = 2;
const WRITE_FAILED: usize = 3;
const SHUTDOWN: usize = 4;

impl Plain {
    fn count(&mut self, fate: usize, batch: &Batch) {
        self.counts[fate] += batch.records() as u64;
    }

    fn bytes(&self) -> usize {
        self.waiting.iter().map(|batch| batch.bytes()).sum()
    }

    fn push(&mut self, batch: &Arc<Batch>, limit: usize) {
        self.count(RECEIVED, batch);
        if let Some(fate) = self.end {
            return self.count(fate, batch);
        }
        self.waiting.push(Arc::clone(batch));
        while self.bytes() > limit {
            let oldest = self.waiting.remove(0);
            self.count(QUEUE_FULL, &oldest);
        }
    }

    fn take(&mut self) -> Option<Arc<Batch>> {
        self.taken = (!self.waiting.is_empty()).then(|| self.waiting.remove(0));
        self.taken.clone()
    }

    fn fail(&mut self) {
        for batch in self
            .taken
            .take()
            .into_iter()
            .chain(std::mem::take(&mut self.waiting))
        {
            self.count(WRITE_FAILED, &batch);
        }
        self.end = Some(WRITE_FAILED);
    }

    fn done(&mut self, done: Done) {
        let Some(batch) = self.taken.take() else { return };
        match done {
            Done::Written => self.count(WRITTEN, &batch),
            Done::Counted => self.kept += batch.records() as u64,
            Done::Failed => {
                self.count(WRITE_FAILED, &batch);
                self.fail();
            }
        }
    }

    fn abandon(&mut self) {
        let [received, done @ ..] = self.counts;
        self.counts[SHUTDOWN] += received - done.iter().sum::<u64>();
        self.kept = 0;
        self.waiting.clear();
        self.taken = None;
        self.end = Some(SHUTDOWN);
    }
}

proptest! {
    #[test]
    fn a_plain_queue_does_the_same(records in 1usize..200, steps in proptest::collection::vec(step(), 1..80)) {
        let limit = batch(records).bytes();
        let queue = Queue::new("test", limit);
        let mut plain = Plain::default();
        // What the sink has in its hands, whatever the queue thinks of it.
        let mut held: Option<Arc<Batch>> = None;
        for step in steps {
            match step {
                Step::Push(records) => {
                    let batch = batch(records);
                    plain.push(&batch, limit);
                    queue.push(batch);
                }
                Step::Take if held.is_none() => {
                    let expected = plain.take();
                    match (queue.take(Some(Duration::ZERO)), &expected) {
                        (Taken::Batch(batch), Some(expected)) => prop_assert!(Arc::ptr_eq(&batch, expected)),
                        (Taken::Nothing, None) => prop_assert_eq!(plain.end, None),
                        (Taken::End(_), None) => prop_assert!(plain.end.is_some()),
                        other => prop_assert!(false, "{:?}", other),
                    }
                    held = expected;
                }
                Step::Take => {}
                Step::Done(done) => {
                    if let Some(batch) = held.take() {
                        let outcome = match done {
                            Done::Written => Some(Outcome::Written(1)),
                            Done::Counted => Some(Outcome::Counted),
                            Done::Failed => None,
                        };
                        queue.done(&batch, outcome);
                        plain.done(done);
                    }
                }
                Step::Close => {
                    queue.close(Instant::now());
                    plain.end = plain.end.or(Some(SHUTDOWN));
                }
                Step::Fail => {
                    queue.fail();
                    plain.fail();
                }
                Step::Abandon => {
                    queue.abandon();
                    plain.abandon();
                }
            }
            prop_assert_eq!(counts(&queue), plain.counts);
            prop_assert_eq!(queue.failed(), plain.end == Some(WRITE_FAILED));
            let waiting: Vec<_> = queue.lock().batches.iter().map(Arc::as_ptr).collect();
            prop_assert_eq!(waiting, plain.waiting.iter().map(Arc::as_ptr).collect::<Vec<_>>());
            prop_assert_eq!(queue.lock().bytes, plain.bytes());
            // Nothing is anywhere else.
            let [received, fates @ ..] = counts(&queue);
            let somewhere = plain.waiting.iter().chain(&plain.taken).map(|batch| batch.records() as u64);
            prop_assert_eq!(received, fates.iter().sum::<u64>() + somewhere.sum::<u64>() + plain.kept);
        }
    }
}
