//! One connection: reads, decodes, passes on; says why it ended.

use super::acknowledge::Acknowledge;
use super::throttle::Throttle;
use super::unfinished::{OverBudget, Unfinished};
use crate::Batch;
use crate::books::Books;
use crate::hexadecimal;
use crate::telemetry::Input;
use log::{info, warn};
use stats_schema::{StreamDecoder, StreamError, UNKNOWN_TOPICS};
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

/// How much is read and decoded before other connections have their turn. A compressed stream can grow a
/// thousandfold, so this is no more than it takes for the system call not to matter.
const READ_BYTES: usize = 32 << 10;

/// Batches are cut after this much, so that a full queue drops little at a time.
const BATCH_BYTES: usize = 1 << 20;

/// When the collector ends, a connection on which nothing has come for this long has nothing more to say. What a peer
/// has sent is usually here already; this is for last bytes that had to wait for room.
const QUIET: Duration = Duration::from_millis(100);

thread_local! {
    /// Shared by all connections of the thread, so that an idle one costs no buffer.
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// A peer and its stream.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) decoder: StreamDecoder,
    pub(super) unfinished: Unfinished,
    pub(super) acknowledge: Acknowledge,
    pub(super) throttle: Throttle,
    pub(super) log_records: bool,
    pub(super) log_bytes: bool,
    /// What one read brought.
    pub(super) batches: mpsc::Sender<Vec<Batch>>,
    /// Set once the collector ends: until when to read what peers have sent before.
    pub(super) stop: watch::Receiver<Option<Instant>>,
    pub(super) input: Arc<Input>,
    pub(super) books: Option<Arc<Books>>,
}

/// Why a connection is closed before its stream has properly ended.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("reading failed: {0}")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Memory(#[from] OverBudget),
}

impl Connection {
    /// Serves the connection until it ends, fails, or has nothing more to say when the collector ends.
    pub(super) async fn run(mut self) {
        let result = self.read_all().await;
        let Self {
            peer, decoder, input, ..
        } = self;
        let (bytes, records) = (decoder.bytes(), decoder.records());
        let result = result.and_then(|()| Ok(decoder.finish()?));
        input.connections_closed.add(1);
        match result {
            Ok(()) => info!("{peer}: connection ended after {bytes} bytes, {records} records"),
            Err(fault) => {
                let counter = match fault {
                    Fault::Stream(StreamError::Ended { .. }) => &input.failed_truncated,
                    Fault::Stream(_) => &input.failed_invalid,
                    Fault::Read(_) => &input.failed_read,
                    Fault::Memory(_) => &input.failed_memory,
                };
                counter.add(1);
                warn!("{peer}: connection closed after {bytes} bytes, {records} records: {fault}");
            }
        }
    }

    async fn read_all(&mut self) -> Result<(), Fault> {
        let passed_on = self.batches.clone();
        let mut more = true;
        while more && self.wait().await? {
            // Room first: then no more is decoded at a time than the channel has room for, however many connections.
            let Ok(room) = passed_on.reserve().await else {
                break;
            };
            let (batches, result) = self.read();
            if !batches.is_empty() {
                if let Some(books) = &self.books {
                    books.received(batches.iter().map(|batch| batch.datapoints() as u64).sum());
                }
                room.send(batches);
            }
            // Before the fault, if there is one: the peer will send what is behind it again.
            self.acknowledge();
            more = result?;
        }
        Ok(())
    }

    /// What was passed on is the collector's to account for from now on.
    fn acknowledge(&mut self) {
        if self.decoder.wants_acknowledgements() {
            self.acknowledge.tell(&self.stream, self.decoder.blocks());
        }
    }

    /// Waits for bytes or the end of the stream; false if the collector ends and the peer has nothing more to say.
    async fn wait(&mut self) -> io::Result<bool> {
        // Rarely anything but to read: a peer that asks for acknowledgements takes them.
        let interest = if self.acknowledge.is_unfinished() {
            Interest::READABLE | Interest::WRITABLE
        } else {
            Interest::READABLE
        };
        if self.stop.borrow().is_none() {
            tokio::select! {
                biased;
                ready = self.stream.ready(interest) => return ready.map(|_| true),
                () = told_to_stop(&mut self.stop) => {}
            }
        }
        // Without a deadline the collector is gone.
        let deadline = *self.stop.borrow();
        if deadline.is_none_or(|deadline| deadline <= Instant::now()) {
            return Ok(false);
        }
        timeout(QUIET, self.stream.readable())
            .await
            .map_or(Ok(false), |ready| ready.map(|()| true))
    }

    /// Reads and decodes once. What could be decoded is returned even when the stream then failed; the result says
    /// whether there is more to come.
    fn read(&mut self) -> (Vec<Batch>, Result<bool, Fault>) {
        READ_BUFFER.with_borrow_mut(|buffer| match self.stream.try_read(buffer) {
            Ok(0) => (Vec::new(), Ok(false)),
            Ok(length) => {
                let (batches, result) = self.decode(&buffer[..length]);
                (batches, result.map(|()| true))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (Vec::new(), Ok(true)),
            Err(error) => (Vec::new(), Err(error.into())),
        })
    }

    fn decode(&mut self, bytes: &[u8]) -> (Vec<Batch>, Result<(), Fault>) {
        if self.log_bytes {
            info!("{}: {} bytes: {}", self.peer, bytes.len(), hexadecimal(bytes));
        }
        let Self {
            decoder,
            unfinished,
            throttle,
            log_records,
            peer,
            input,
            ..
        } = self;
        let blocks_before = decoder.blocks();
        let mut batches = Vec::new();
        let mut batch = Batch::default();
        let mut without_topic = 0;
        let admitted = throttle.admits(bytes.len());
        let mut throttled = (0, 0);
        let fed = decoder.feed(bytes, |record| {
            if *log_records {
                info!("{peer}: {record:?}");
            }
            if !admitted {
                throttled.0 += 1;
                throttled.1 += record.datapoints.len() as u64;
                return;
            }
            without_topic += u64::from(UNKNOWN_TOPICS.contains(&record.topic));
            batch.push(&record);
            if batch.bytes() >= BATCH_BYTES {
                batches.push(std::mem::take(&mut batch));
            }
        });
        if batch.records() > 0 {
            batches.push(batch);
        }
        let blocks = decoder.blocks() - blocks_before;
        input.bytes.add(bytes.len() as u64);
        input.blocks.add(blocks);
        input.throttled.add(throttled.0, throttled.1);
        input.records_without_topic.add(without_topic);
        // At most what came since the last block was complete; a decoder that gave up holds nothing.
        let held = if blocks > 0 {
            bytes.len()
        } else {
            unfinished.held() + bytes.len()
        };
        let result = fed.map_err(Fault::from).and_then(|()| Ok(unfinished.set(held)?));
        (batches, result)
    }
}

/// Waits until the collector ends, or is gone.
pub(super) async fn told_to_stop(stop: &mut watch::Receiver<Option<Instant>>) {
    // Only the collector can close the channel, by ending.
    let _ = stop.wait_for(Option::is_some).await;
}
