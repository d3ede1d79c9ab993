//! The collector output: datapoints in Avro blocks, over TCP.

mod batch;
mod connection;
mod queue;

pub(crate) use batch::{Slot, Source};

use crate::accounting::CollectorAccounting;
use crate::parameters::CollectorOutput as Parameters;
use crate::statsd::lines::Line;
use crate::statsd::metric::{self, Rules};
use batch::Batch;
use connection::{Connection, Progress};
use mio::{Registry, Token};
use queue::{Left, Queue};
use stats_schema::{CustomTags, DatapointRef, Layout, MetricType};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A block is closed at this size even if it has not got its datapoints: names and tags may be as long as a datagram.
const BLOCK_BYTES: usize = 256 << 10;

/// What one line may become. Each of its values repeats its name and tags, so that a datagram of 64 KiB could become half a
/// gigabyte; no client that means well packs so many values behind so long a name.
const LINE_BYTES: usize = 1 << 20;

/// Queued blocks are written at the end of a turn of the loop, or when they are this many bytes.
const WRITE_AT_BYTES: usize = 256 << 10;

/// Datapoints on their way to the collector.
pub(crate) struct CollectorOutput {
    rules: Rules,
    chunk_datapoints: u64,
    chunk_timeout: Duration,
    next_flush: Instant,
    batch: Batch,
    /// Those of the line at hand.
    tags: CustomTags,
    queue: Queue,
    connection: Connection,
    accounting: CollectorAccounting,
}

impl CollectorOutput {
    /// An output whose socket will have `token`.
    pub(crate) fn new(parameters: &Parameters, token: Token, now: Instant) -> Self {
        let layout = if parameters.metric_types {
            Layout::Typed
        } else {
            Layout::Old
        };
        Self {
            rules: Rules {
                sample_rate_all_types: parameters.sample_rate_all_types,
                first_value_only: layout == Layout::Old,
            },
            chunk_datapoints: parameters.chunk_datapoints as u64,
            chunk_timeout: parameters.chunk_timeout,
            next_flush: now + parameters.chunk_timeout,
            batch: Batch::new(layout),
            tags: CustomTags::default(),
            queue: Queue::new(parameters.queue_bytes),
            connection: Connection::new(parameters.address, layout, token, now),
            accounting: CollectorAccounting::default(),
        }
    }

    /// Takes a line that arrived at `now_ms`, in milliseconds since 1970.
    pub(crate) fn line(&mut self, line: Line<'_>, source: &Arc<Source>, slot: &mut Slot, now_ms: i64) {
        let accounting = &mut self.accounting;
        accounting.lines += 1;
        if line.bytes[0] == b'_' && (line.is_event() || line.is_service_check()) {
            accounting.events += u64::from(line.is_event());
            accounting.service_checks += u64::from(line.is_service_check());
            return;
        }
        // Avro's strings are UTF-8; a byte that is not must cost neither the number nor the other lines of the block.
        let lossy;
        let text = match std::str::from_utf8(line.bytes) {
            Ok(text) => text,
            Err(_) => {
                accounting.lines_not_utf8 += 1;
                lossy = String::from_utf8_lossy(line.bytes);
                &lossy
            }
        };
        // Out of `self` for as long as `self` takes the datapoints.
        let mut tags = std::mem::take(&mut self.tags);
        let (mut bytes, mut over_limit) = (0, 0);
        let values = metric::datapoints(text, now_ms, self.rules, &mut tags, |tags, datapoint| {
            if bytes < LINE_BYTES {
                bytes += self.batch.push(source, slot, tags, datapoint);
                self.flush_if_full();
            } else {
                over_limit += 1;
            }
        });
        self.tags = tags;
        let accounting = &mut self.accounting;
        accounting.datapoints += values.datapoints - over_limit;
        accounting.values_over_limit += over_limit;
        accounting.values_corrupt += values.corrupt;
        accounting.values_non_finite += values.non_finite;
        accounting.values_not_first += values.not_first;
        accounting.sample_rates_corrupt += values.corrupt_rates;
    }

    /// Takes a gauge that came as a number and not in a line, measured at `time_ms`, in milliseconds since 1970.
    pub(crate) fn gauge(
        &mut self,
        name: &str,
        value: f64,
        source: &Arc<Source>,
        slot: &mut Slot,
        time_ms: i64,
    ) {
        self.accounting.lines += 1;
        if !value.is_finite() {
            self.accounting.values_non_finite += 1;
            return;
        }
        self.accounting.datapoints += 1;
        self.tags.clear();
        let gauge = DatapointRef {
            name,
            time_ms,
            value,
            metric_type: MetricType::Gauge,
            sample_rate: 1.0,
            text: None,
        };
        self.batch.push(source, slot, &self.tags, &gauge);
        self.flush_if_full();
    }

    fn flush_if_full(&mut self) {
        if self.batch.datapoints() >= self.chunk_datapoints || self.batch.bytes() >= BLOCK_BYTES {
            self.flush();
        }
    }

    /// Closes the block being built and queues it.
    pub(crate) fn flush(&mut self) {
        if self.batch.datapoints() == 0 {
            return;
        }
        let datapoints = self.batch.datapoints();
        let mut block = self.queue.buffer();
        self.batch.write_block(&mut block);
        let dropped = self.queue.push(block, datapoints);
        self.accounting.datapoints_dropped.queue_full += dropped.datapoints;
        self.accounting.bytes_dropped += dropped.bytes;
        // Between two turns of the loop more blocks may come than the queue holds.
        if self.queue.bytes() >= WRITE_AT_BYTES {
            self.write();
        }
    }

    fn write(&mut self) {
        let mut progress = Progress::default();
        self.connection.write(&mut self.queue, &mut progress);
        self.book(&progress);
    }

    /// When [`turn`](Self::turn) has something to do at the latest.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let flush = (self.batch.datapoints() > 0).then_some(self.next_flush);
        [flush, self.connection.deadline()].into_iter().flatten().min()
    }

    /// Does what the time asks for, and writes what is queued.
    pub(crate) fn turn(&mut self, now: Instant, registry: &Registry) {
        if now >= self.next_flush {
            self.flush();
            while self.next_flush <= now {
                self.next_flush += self.chunk_timeout;
            }
        }
        let mut progress = Progress::default();
        self.connection
            .turn(now, registry, &mut self.queue, &mut progress);
        self.book(&progress);
        self.write();
    }

    /// Takes an event of the connection's socket.
    pub(crate) fn ready(&mut self) {
        let mut progress = Progress::default();
        self.connection.ready(&mut self.queue, &mut progress);
        self.book(&progress);
    }

    /// Whether waiting can still bring something over.
    pub(crate) fn is_sending(&self) -> bool {
        self.connection.is_established() && !self.queue.is_empty()
    }

    /// Gives up what is still queued.
    pub(crate) fn abandon(&mut self) {
        let Left {
            datapoints, bytes, ..
        } = self.queue.clear();
        self.accounting.datapoints_dropped.shutdown += datapoints;
        self.accounting.bytes_dropped += bytes;
    }

    /// The connection's state, for the log.
    pub(crate) fn state(&self) -> &'static str {
        self.connection.state()
    }

    /// The counters as of now.
    pub(crate) fn accounting(&self) -> CollectorAccounting {
        CollectorAccounting {
            datapoints_pending: self.batch.datapoints() + self.queue.datapoints(),
            bytes_pending: self.queue.bytes() as u64,
            ..self.accounting.clone()
        }
    }

    fn book(&mut self, progress: &Progress) {
        self.accounting.datapoints_forwarded += progress.forwarded.datapoints;
        self.accounting.blocks_forwarded += progress.forwarded.blocks;
        self.accounting.bytes_forwarded += progress.forwarded.bytes;
        self.accounting.datapoints_sent_again += progress.again;
        self.accounting.datapoints_dropped.refused += progress.refused.datapoints;
        self.accounting.bytes_dropped += progress.refused.bytes;
        self.accounting.connects += progress.connects;
        self.accounting.disconnects += progress.disconnects;
    }
}
