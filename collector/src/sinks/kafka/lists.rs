//! The records of one topic on their way into a message, encoded as they come.

use super::message::{Message, Trigger};
use stats_schema::{Layout, RecordRef, SYNC_MARKER, put_long, put_record};
use std::sync::Arc;

/// What a message needs at most besides header and records: the counts and the marker of the block, the key, and what the
/// protocol puts around a message.
const FRAME_BYTES: usize = 1024;

/// A tag that is longer than this is no key, in bytes.
const KEY_BYTES: usize = 256;

/// The form of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) layout: Layout,
    /// The most it may have in bytes, the key and what is around it included.
    pub(super) message_bytes: usize,
}

impl Form {
    /// How many bytes of records a message may have.
    fn room(self) -> usize {
        self.message_bytes
            .saturating_sub(self.layout.header().len() + FRAME_BYTES)
    }
}

/// Records of one topic that are not in a message yet.
#[derive(Debug)]
pub(super) struct Lists {
    topic: Arc<str>,
    /// That of the first record that has one.
    key: Option<Arc<str>>,
    form: Form,
    avro: Vec<u8>,
    /// Records in `avro`.
    parts: usize,
    records: u64,
    datapoints: u64,
}

/// What could not be made part of a message because it is too large by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TooLarge {
    /// One, if nothing of the record is left.
    pub(super) records: u64,
    pub(super) datapoints: u64,
}

impl Lists {
    pub(super) fn new(topic: Arc<str>, form: Form) -> Self {
        Self {
            topic,
            key: None,
            form,
            avro: Vec::new(),
            parts: 0,
            records: 0,
            datapoints: 0,
        }
    }

    /// What it is called in Kafka.
    pub(super) fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// How many records there are, counting the parts of one that had to be split.
    pub(super) fn records(&self) -> usize {
        self.parts
    }

    /// The size of the records, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.avro.len()
    }

    /// The memory they take, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.avro.capacity()
    }

    /// Adds a record, with the key that its message should have. Messages that became full by it are added to `ready`.
    ///
    /// A record that is larger than a message is split by its datapoints, each part with all tags. Its datapoints are lost
    /// if they are too large one by one, or if the tags alone take more than half of a message: a peer could fill one
    /// message for each datapoint else.
    pub(super) fn push(
        &mut self,
        record: &RecordRef<'_>,
        key: Option<&str>,
        ready: &mut Vec<Message>,
    ) -> TooLarge {
        let mut lost = TooLarge::default();
        let any = self.put(record, key, ready) || {
            let tags = record.topic.len()
                + record
                    .tags
                    .iter()
                    .map(|tag| tag.key.len() + tag.value.len() + 2)
                    .sum::<usize>();
            if tags > self.form.room() / 2 {
                lost.datapoints = record.datapoints.len() as u64;
                false
            } else {
                self.split(record, key, ready, &mut lost)
            }
        };
        // A full message is flushed before something is added, so the last part is still here.
        if any {
            self.records += 1;
        } else {
            lost.records = 1;
        }
        lost
    }

    /// Adds the halves of a record that is too large; returns whether anything was added.
    fn split(
        &mut self,
        record: &RecordRef<'_>,
        key: Option<&str>,
        ready: &mut Vec<Message>,
        lost: &mut TooLarge,
    ) -> bool {
        if record.datapoints.len() < 2 {
            lost.datapoints += record.datapoints.len() as u64;
            return false;
        }
        let (first, second) = record.datapoints.split_at(record.datapoints.len() / 2);
        let mut any = false;
        for datapoints in [first, second] {
            let half = RecordRef {
                datapoints,
                ..*record
            };
            any |= self.put(&half, key, ready) || self.split(&half, key, ready, lost);
        }
        any
    }

    /// Adds a record if it is not too large, to the next message if it does not fit this one.
    fn put(&mut self, record: &RecordRef<'_>, key: Option<&str>, ready: &mut Vec<Message>) -> bool {
        let start = self.avro.len();
        put_record(
            &mut self.avro,
            self.form.layout,
            record.topic,
            record.tags.iter().copied(),
            record.datapoints.iter().copied(),
        );
        let room = self.form.room();
        if self.avro.len() - start > room {
            self.avro.truncate(start);
            self.avro.shrink_to(room);
            return false;
        }
        if self.avro.len() > room {
            let record = self.avro.split_off(start);
            ready.extend(self.take(Trigger::Room));
            self.avro = record;
        }
        if self.key.is_none() {
            self.key = key.filter(|key| key.len() <= KEY_BYTES).map(Arc::from);
        }
        self.parts += 1;
        self.datapoints += record.datapoints.len() as u64;
        true
    }

    /// Makes a message of all records, if there are any.
    pub(super) fn take(&mut self, trigger: Trigger) -> Option<Message> {
        // Its memory goes back: there may be a thousand topics.
        let avro = std::mem::take(&mut self.avro);
        let parts = std::mem::take(&mut self.parts);
        if parts == 0 {
            return None;
        }
        let header = self.form.layout.header();
        let mut file = Vec::with_capacity(header.len() + 2 * 10 + avro.len() + SYNC_MARKER.len());
        file.extend_from_slice(header);
        for number in [parts, avro.len()] {
            // A Vec has no more than isize::MAX bytes.
            put_long(&mut file, number.cast_signed() as i64);
        }
        file.extend_from_slice(&avro);
        file.extend_from_slice(&SYNC_MARKER);
        Some(Message {
            topic: Arc::clone(&self.topic),
            key: self.key.take(),
            file,
            records: std::mem::take(&mut self.records),
            datapoints: std::mem::take(&mut self.datapoints),
            trigger,
            failures: 0,
        })
    }
}

#[cfg(test)]
mod tests;
