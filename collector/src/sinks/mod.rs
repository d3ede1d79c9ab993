//! Where records go. Each sink has a thread and a bounded [queue](Queue) of its own.

mod file;
pub mod kafka;
mod problem;
pub mod prometheus;
mod queue;
mod statsd;
mod stdout;

pub use file::{FileOptions, Files};
pub use queue::{Queue, Taken};
pub use statsd::{Statsd, StatsdOptions};
pub use stdout::Stdout;

use crate::Batch;
use crate::telemetry::Output;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// Something that takes records.
pub trait Sink: Send + 'static {
    /// What it is called in logs and counters.
    fn name(&self) -> &'static str;

    /// Takes all records of `batch`. May block.
    ///
    /// # Errors
    ///
    /// When the sink can take nothing any more; the batch counts as dropped, and so does all that follows.
    fn write(&mut self, batch: &Batch, output: &Output) -> io::Result<Outcome>;

    /// Does what is due whether records come or not, and says after what time there is something due again, if ever.
    /// Called before every batch and whenever something is due.
    fn tick(&mut self, _output: &Output) -> Option<Duration> {
        None
    }

    /// Hands on what it kept, until `deadline` at most, and counts the rest as dropped. No batch comes after this.
    fn end(&mut self, _output: &Output, _deadline: Instant) {}
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was written, in so many bytes.
    Written(u64),
    /// The sink itself adds every record and datapoint to what was written or dropped, now or later.
    Counted,
}

/// A sink's thread has ended: the error that ended it, or none after its queue was closed and emptied.
#[derive(Debug)]
pub(crate) struct SinkEnd {
    pub(crate) sink: &'static str,
    /// Whether it is more than a view.
    pub(crate) is_outlet: bool,
    pub(crate) result: io::Result<()>,
}

/// Starts the thread of `sink`, which writes what is pushed to the queue and says so in `ends` when it is over.
///
/// # Errors
///
/// When the system refuses another thread.
pub(crate) fn start(
    sink: impl Sink,
    queue_bytes: usize,
    is_outlet: bool,
    ends: UnboundedSender<SinkEnd>,
) -> io::Result<Arc<Queue>> {
    let queue = Arc::new(Queue::new(sink.name(), queue_bytes));
    let ours = Arc::clone(&queue);
    thread::Builder::new()
        .name(format!("sink-{}", sink.name()))
        .spawn(move || {
            let name = sink.name();
            // The panic itself is reported where it happens. What the sink kept and had not counted stays uncounted, and
            // the balance will say so.
            let result = catch_unwind(AssertUnwindSafe(|| serve(sink, &queue))).unwrap_or_else(|_| {
                queue.fail();
                Err(io::Error::other("it panicked, which is a bug; please report it"))
            });
            queue.finish();
            // Nobody listens any more when the program ends before the sink does.
            let _ = ends.send(SinkEnd {
                sink: name,
                is_outlet,
                result,
            });
        })?;
    Ok(ours)
}

fn serve(mut sink: impl Sink, queue: &Queue) -> io::Result<()> {
    loop {
        let due = sink.tick(queue.output());
        queue.note();
        match queue.take(due) {
            Taken::Batch(batch) => {
                let result = sink.write(&batch, queue.output());
                queue.done(&batch, result.as_ref().ok().copied());
                queue.note();
                result?;
            }
            Taken::Nothing => {}
            Taken::End(deadline) => {
                sink.end(queue.output(), deadline);
                queue.note();
                return Ok(());
            }
        }
    }
}
