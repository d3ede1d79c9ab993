//! One Kafka consumer and its backend.

use crate::backend::{Backend, DeliveryError};
use crate::counters::{Counters, add};
use crate::filter::Filter;
use crate::kafka::{Partitions, pause, resume};
use crate::print::json_line;
use crate::round::Round;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};
use stats_schema::{Limits, RecordRef, StreamDecoder, StreamError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Intervals between attempts to deliver a batch; each is twice the one before.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// How often a worker that waits looks after the group and the signals.
const TICK: Duration = Duration::from_millis(100);

/// How much of a message that cannot be read is logged.
const DUMPED_BYTES: usize = 64;

/// What the workers have in common.
#[derive(Clone)]
pub(crate) struct Terms {
    pub(crate) counters: Arc<Counters>,
    pub(crate) filter: Filter,
    pub(crate) print_records: bool,
    pub(crate) poll_timeout: Duration,
    pub(crate) batch_time: Duration,
    pub(crate) exit_on_failure: bool,
    /// Set when the program should end.
    pub(crate) stop: Arc<AtomicBool>,
    /// Whether the workers should, even if the program goes on.
    pub(crate) round: Arc<Round>,
}

/// One Kafka consumer and its backend.
pub(crate) struct Worker<'a> {
    terms: Terms,
    consumer: &'a Partitions,
    backend: Box<dyn Backend + Send>,
    /// For each partition the offset after the last message whose datapoints are in the batch, or were delivered.
    read: BTreeMap<(String, i32), i64>,
    /// When the batch has waited long enough.
    due: Option<Instant>,
    /// Why this worker has to end with datapoints undelivered.
    ended: Option<Ended>,
}

/// Why a worker ended before its batch was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The worker should end while the backend is away.
    Stopped,
    /// The backend is away and the options say to exit, or nobody reads any more.
    Failed(String),
}

impl Ended {
    fn into_result(self) -> Result<(), String> {
        match self {
            Self::Failed(reason) => Err(reason),
            Self::Stopped => {
                log::warn!("stopped while the backend is away: what it has not taken will be read again");
                Ok(())
            }
        }
    }
}

impl<'a> Worker<'a> {
    pub(crate) fn new(terms: Terms, consumer: &'a Partitions, backend: Box<dyn Backend + Send>) -> Self {
        Self {
            terms,
            consumer,
            backend,
            read: BTreeMap::new(),
            due: None,
            ended: None,
        }
    }

    /// Works until the program or the round should end, delivers what has been read, and commits.
    ///
    /// # Errors
    ///
    /// The backend's, if it does not take a batch and the options say not to wait.
    pub(crate) fn run(mut self) -> Result<(), String> {
        while !self.stopping() && self.ended.is_none() {
            let wait = self.due.map_or(self.terms.poll_timeout, |due| {
                due.saturating_duration_since(Instant::now())
                    .min(self.terms.poll_timeout)
            });
            // `consumer` outlives self, so that the message does not keep self borrowed.
            let consumer = self.consumer;
            match consumer.poll(wait) {
                Some(Ok(message)) => self.take(&message),
                Some(Err(error)) => self.report(&error),
                None => {}
            }
            if self.due.is_some_and(|due| due <= Instant::now()) {
                self.deliver();
            }
        }
        self.deliver();
        if self.terms.round.is_over() {
            // There is nobody to commit to, which the client would take long to find out.
            return self.ended.map_or(Ok(()), Ended::into_result);
        }
        match self.consumer.commit_consumer_state(CommitMode::Sync) {
            Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            Err(error) => log::warn!("cannot commit offsets, some messages will come again: {error}"),
        }
        self.ended.map_or(Ok(()), Ended::into_result)
    }

    fn stopping(&self) -> bool {
        self.terms.stop.load(Ordering::Relaxed) || self.terms.round.is_over()
    }

    fn report(&self, error: &KafkaError) {
        // The client says this several times a second as long as it is so.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) && !self.terms.round.lost() {
            return;
        }
        log::warn!("Kafka: {error}");
    }

    /// Reads a message into the batch, which is delivered as often as it is full.
    fn take(&mut self, message: &BorrowedMessage<'_>) {
        self.terms.round.reached();
        let counters = Arc::clone(&self.terms.counters);
        let value = message.payload().unwrap_or_default();
        add(&counters.records, 1);
        add(&counters.bytes, message.key_len() + value.len());
        if let Err(error) = self.decode(value) {
            add(&counters.errors, 1);
            let shown = &value[..value.len().min(DUMPED_BYTES)];
            log::warn!(
                "topic {}, partition {}, offset {}: {error}; its {} bytes begin with {shown:02x?}",
                message.topic(),
                message.partition(),
                message.offset(),
                value.len(),
            );
        }
        if self.ended.is_none() {
            self.read.insert(
                (message.topic().to_owned(), message.partition()),
                message.offset() + 1,
            );
            self.due
                .get_or_insert_with(|| Instant::now() + self.terms.batch_time);
        }
    }

    /// Every message is a stream of its own; an empty one has nothing to say.
    fn decode(&mut self, value: &[u8]) -> Result<(), StreamError> {
        if value.is_empty() {
            return Ok(());
        }
        let mut decoder = StreamDecoder::new(Limits::default());
        decoder.feed(value, |record| self.append(record))?;
        decoder.finish()
    }

    fn append(&mut self, mut record: RecordRef<'_>) {
        let counters = &self.terms.counters;
        add(&counters.metriclists, 1);
        if !self.terms.filter.wants(record.tags) {
            return add(&counters.filtered, 1);
        }
        add(&counters.datapoints, record.datapoints.len());
        add(&counters.tags, record.tags.len());
        if self.terms.print_records {
            let mut line = Vec::new();
            json_line(&mut line, &record);
            log::info!("Record: {}", String::from_utf8_lossy(&line).trim_end());
        }
        // One message can hold far more than a batch, above all when every datapoint repeats all tags.
        while self.ended.is_none() {
            let taken = self.backend.append(&record);
            record.datapoints = &record.datapoints[taken..];
            if self.backend.full() {
                self.try_to_deliver();
            }
            if record.datapoints.is_empty() {
                break;
            }
        }
    }

    /// Delivers the batch and stores the offsets of all messages that have been read.
    fn deliver(&mut self) {
        self.due = None;
        if self.ended.is_none() {
            self.try_to_deliver();
        }
        if self.ended.is_some() {
            return;
        }
        for ((topic, partition), offset) in std::mem::take(&mut self.read) {
            let mut offsets = TopicPartitionList::new();
            let stored = offsets
                .add_partition_offset(&topic, partition, Offset::Offset(offset))
                .and_then(|()| self.consumer.store_offsets(&offsets));
            if let Err(error) = stored {
                // It went to another member of the group, who reads the same messages again.
                log::debug!("topic {topic}, partition {partition}: {error}");
            }
        }
    }

    /// Delivers the batch, however long that takes, unless the worker has to end first.
    fn try_to_deliver(&mut self) {
        let mut retry = FIRST_RETRY;
        let mut paused = false;
        loop {
            match self.backend.deliver() {
                Ok(()) => break,
                Err(DeliveryError::Gone(reason)) => self.ended = Some(Ended::Failed(reason)),
                Err(DeliveryError::Unavailable(reason)) => {
                    add(&self.terms.counters.failures, 1);
                    if self.terms.exit_on_failure {
                        self.ended = Some(Ended::Failed(reason));
                    } else if self.stopping() {
                        self.ended = Some(Ended::Stopped);
                    } else {
                        log::warn!("{reason}; trying again in {} s", retry.as_secs());
                    }
                }
            }
            if self.ended.is_some() {
                return;
            }
            if !paused {
                pause(self.consumer);
                paused = true;
            }
            self.wait(retry);
            retry = LAST_RETRY.min(2 * retry);
        }
        if paused {
            resume(self.consumer);
            log::info!("the backend is back");
        }
    }

    /// Stays in the group for as long as `time`, without taking messages; less if the program should end.
    fn wait(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.stopping() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            match self.consumer.poll(left.min(TICK)) {
                // Paused partitions give none; if one does, it must come again.
                Some(Ok(message)) => {
                    let offset = Offset::Offset(message.offset());
                    let sought = self
                        .consumer
                        .seek(message.topic(), message.partition(), offset, TICK);
                    if let Err(error) = sought {
                        log::warn!(
                            "topic {}, offset {}: cannot go back: {error}",
                            message.topic(),
                            message.offset()
                        );
                    }
                }
                Some(Err(error)) => self.report(&error),
                None => {}
            }
        }
    }
}
