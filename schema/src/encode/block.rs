//! A block of whole records, for those who have [`MetricList`]s rather than a stream of datapoints.

use super::{put_count, put_record};
use crate::{DatapointRef, Layout, MetricList, SYNC_MARKER, TagRef};

/// Records waiting to be written as one block of a stream or as one complete file.
#[derive(Clone, Debug)]
pub struct Block {
    layout: Layout,
    records: usize,
    bytes: Vec<u8>,
}

impl Block {
    /// An empty block for a stream that began with `layout`'s header.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        Self {
            layout,
            records: 0,
            bytes: Vec::new(),
        }
    }

    /// Appends a record. A list without topic, tags and datapoints is no record and is left out
    /// (`reference/metrics.md` 1.19).
    pub fn push(&mut self, list: &MetricList) {
        if !(list.topic.is_empty() && list.tags.is_empty() && list.datapoints.is_empty()) {
            let tags = list.tags.iter().map(TagRef::from);
            let datapoints = list.datapoints.iter().map(DatapointRef::from);
            put_record(&mut self.bytes, self.layout, &list.topic, tags, datapoints);
            self.records += 1;
        }
    }

    /// How many records there are.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records
    }

    /// The size of the records in bytes, without the frame around them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets all records, keeps the memory.
    pub fn clear(&mut self) {
        self.records = 0;
        self.bytes.clear();
    }

    /// Appends the block to a stream; nothing if there are no records.
    pub fn write(&self, out: &mut Vec<u8>) {
        if self.records > 0 {
            put_count(out, self.records);
            put_count(out, self.bytes.len());
            out.extend_from_slice(&self.bytes);
            out.extend_from_slice(&SYNC_MARKER);
        }
    }

    /// Appends a complete object container file: the header and this block, uncompressed. A message in Kafka is
    /// such a file.
    pub fn write_file(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.layout.header());
        self.write(out);
    }
}
