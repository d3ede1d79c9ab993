//! Sources, fan-out and sinks put together, from the first connection to the last record.

use crate::Batch;
use crate::sinks::{self, Queue, Sink, SinkEnd};
use crate::sources::{Limits, TcpSource};
use crate::summary::log_every_minute;
use crate::telemetry::{Balance, Input};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

/// Reads that may wait for the fan-out, which never makes them wait for long.
const CHANNEL_READS: usize = 4;

/// Once it has to end, how long the collector goes on reading from peers that go on sending.
const READ_ON: Duration = Duration::from_secs(3);

/// Once it has to end, how long until it does not wait for its sinks any more.
const END_WITHIN: Duration = Duration::from_secs(5);

/// A sink that cannot write any more.
#[derive(Debug, thiserror::Error)]
#[error("{sink}: {error}")]
pub struct SinkError {
    /// Which one.
    pub sink: &'static str,
    /// What it met with.
    #[source]
    pub error: io::Error,
}

/// A collector that listens, with the sinks it was given.
#[derive(Debug)]
pub struct Collector {
    listener: TcpListener,
    limits: Limits,
    input: Arc<Input>,
    queues: Vec<Arc<Queue>>,
    ends: (mpsc::UnboundedSender<SinkEnd>, mpsc::UnboundedReceiver<SinkEnd>),
}

impl Collector {
    /// Listens on the first of `addresses` on which that is possible.
    ///
    /// # Errors
    ///
    /// That of the last address if none is.
    pub async fn bind(addresses: &[SocketAddr], limits: Limits) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(addresses).await?,
            limits,
            input: Arc::default(),
            queues: Vec::new(),
            ends: mpsc::unbounded_channel(),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Hands all records to `sink` from now on, through a queue of at most `queue_bytes` in memory.
    ///
    /// # Errors
    ///
    /// When the system refuses the sink's thread.
    pub fn add_sink(&mut self, sink: impl Sink, queue_bytes: usize) -> io::Result<()> {
        self.queues
            .push(sinks::start(sink, queue_bytes, self.ends.0.clone())?);
        Ok(())
    }

    /// Collects until `stop`, then accepts no more connections, reads what peers have sent so far, and waits for the
    /// sinks to write it; or until a sink fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> (Balance, Result<(), SinkError>) {
        let (batches, decoded) = mpsc::channel(CHANNEL_READS);
        let (stop_reading, stopped) = watch::channel(None);
        let source = TcpSource {
            listener: self.listener,
            limits: self.limits,
            batches,
            stop: stopped,
            input: Arc::clone(&self.input),
        };
        let source = tokio::spawn(source.run());
        let fan_out = tokio::spawn(fan_out(decoded, self.queues.clone()));
        let summary = tokio::spawn(log_every_minute(Arc::clone(&self.input), self.queues.clone()));

        let mut ends = self.ends.1;
        let mut result = Ok(());
        let mut running = self.queues.len();
        let read_on = tokio::select! {
            () = stop => READ_ON,
            Some(end) = ends.recv() => {
                running -= 1;
                result = sink_result(end);
                Duration::ZERO
            }
        };
        let end_by = Instant::now() + END_WITHIN;
        summary.abort();
        stop_reading.send_replace(Some(Instant::now() + read_on));
        // Neither is ever aborted, and a panic of theirs leaves nothing to wait for.
        let _ = source.await;
        let _ = fan_out.await;
        self.queues.iter().for_each(|queue| queue.close());
        while running > 0
            && let Ok(Some(end)) = timeout_at(end_by, ends.recv()).await
        {
            running -= 1;
            result = result.and(sink_result(end));
        }
        self.queues.iter().for_each(|queue| queue.abandon());
        let outputs = self.queues.iter().map(|queue| (queue.sink(), queue.output()));
        (Balance::new(&self.input, outputs), result)
    }
}

/// Gives every batch to every sink, until all connections are closed.
async fn fan_out(mut decoded: mpsc::Receiver<Vec<Batch>>, queues: Vec<Arc<Queue>>) {
    while let Some(batches) = decoded.recv().await {
        for batch in batches.into_iter().map(Arc::new) {
            queues.iter().for_each(|queue| queue.push(Arc::clone(&batch)));
        }
    }
}

fn sink_result((sink, result): SinkEnd) -> Result<(), SinkError> {
    result.map_err(|error| SinkError { sink, error })
}
