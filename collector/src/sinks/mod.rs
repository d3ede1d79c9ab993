//! Where records go. Each sink has a thread and a bounded [queue](Queue) of its own.

mod queue;
mod stdout;

pub use queue::Queue;
pub use stdout::Stdout;

use crate::Batch;
use std::io;
use std::sync::Arc;
use std::thread;
use tokio::sync::mpsc::UnboundedSender;

/// Something that takes records.
pub trait Sink: Send + 'static {
    /// What it is called in logs and counters.
    fn name(&self) -> &'static str;

    /// Writes all records of `batch` and returns how many bytes they made. May block.
    ///
    /// # Errors
    ///
    /// When the sink can take nothing any more; the batch counts as dropped, and so does all that follows.
    fn write(&mut self, batch: &Batch) -> io::Result<u64>;
}

/// A sink's thread has ended: the error that ended it, or none after its queue was closed and emptied.
pub(crate) type SinkEnd = (&'static str, io::Result<()>);

/// Starts the thread of `sink`, which writes what is pushed to the queue and says so in `ends` when it is over.
///
/// # Errors
///
/// When the system refuses another thread.
pub(crate) fn start(
    mut sink: impl Sink,
    queue_bytes: usize,
    ends: UnboundedSender<SinkEnd>,
) -> io::Result<Arc<Queue>> {
    let queue = Arc::new(Queue::new(sink.name(), queue_bytes));
    let ours = Arc::clone(&queue);
    thread::Builder::new()
        .name(format!("sink-{}", sink.name()))
        .spawn(move || {
            let mut end = Ok(());
            while let Some(batch) = queue.take() {
                let result = sink.write(&batch);
                queue.done(&batch, result.as_ref().ok().copied());
                if let Err(error) = result {
                    end = Err(error);
                    break;
                }
            }
            // Nobody listens any more when the program ends before the sink does.
            let _ = ends.send((sink.name(), end));
        })?;
    Ok(ours)
}
