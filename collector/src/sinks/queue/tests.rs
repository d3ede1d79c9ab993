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
