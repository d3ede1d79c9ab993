//! Reading streams of untrusted peers, in whatever pieces they arrive.
//!
//! A stream is a sequence of *items*: the parts of the header, then for every block its head (number of records,
//! size) and its body (records, sync marker). An item is read as soon as it is complete, straight from the bytes
//! the caller has just received; only an incomplete one is stored, and only once its size is known to be within
//! [`Limits`]. Memory grows with what was received, never with what was announced.
//!
//! A body goes to one of two readers. [`native`] knows our own two layouts by heart and is fast; [`foreign`]
//! follows the writer's schema, whatever it is. Which one is decided by what the schema means, not by its text.
//! apache-avro is the oracle in the tests; it does not read peers' bytes because it follows a recursive schema
//! until the stack ends, and takes a block that ends early for nulls.

mod block;
mod codec;
mod cursor;
mod error;
mod foreign;
mod header;
mod limits;
mod native;
mod records;
mod writer_schema;

pub use error::{Fault, StreamError};
pub use limits::Limits;

use crate::{RecordRef, SYNC_MARKER};
use block::{Head, Reader, read_head};
use header::Header;

/// The topics of records that have none of their own (`reference/metrics.md` 2.3): no record at all, no field
/// `topic`, a field `topic` that is no text.
pub const UNKNOWN_TOPICS: [&str; 3] = [NOT_A_RECORD, NO_TOPIC_FIELD, TOPIC_NOT_TEXT];
const NOT_A_RECORD: &str = "UNKNOWN_RECORD_TYPE";
const NO_TOPIC_FIELD: &str = "UNKNOWN_TOPIC_VAL";
const TOPIC_NOT_TEXT: &str = "UNKNOWN_TOPIC_TYPE";

/// Buffers larger than this are given back once their block is done, so that one large block does not cost a
/// connection its size for ever.
const KEPT_BYTES: usize = 256 << 10;

/// Reads one stream: one connection, or one file.
#[derive(Debug)]
pub struct StreamDecoder {
    limits: Limits,
    next: Next,
    /// The beginning of an item that is not complete yet.
    pending: Vec<u8>,
    /// How many bytes that item has at least.
    needed: usize,
    /// A decompressed block.
    unpacked: Vec<u8>,
    /// Bytes of all items before the pending one.
    offset: u64,
    blocks: u64,
    records: u64,
    acknowledge: bool,
    failed: Option<StreamError>,
}

#[derive(Debug)]
enum Next {
    Header(Header),
    /// A block: its head, or, once that is known, its body.
    Block(Reader, Option<Head>),
}

/// What became of an attempt to read an item.
#[derive(Clone, Copy, Debug)]
enum Item {
    /// It was read and had this many bytes.
    Read(usize),
    /// It is incomplete and has at least this many bytes.
    Needs(usize),
}

impl StreamDecoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            next: Next::Header(Header::default()),
            pending: Vec::new(),
            needed: 0,
            unpacked: Vec::new(),
            offset: 0,
            blocks: 0,
            records: 0,
            acknowledge: false,
            failed: None,
        }
    }

    /// Takes the next `bytes` of the stream, however many, and shows every record of the blocks they complete.
    ///
    /// # Errors
    ///
    /// What is wrong with the stream, which cannot be continued: every further call returns the same. Records
    /// before the fault have been shown, also those of the same block.
    pub fn feed(&mut self, bytes: &[u8], mut record: impl FnMut(RecordRef<'_>)) -> Result<(), StreamError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let fed = self.read(bytes, &mut record);
        if let Err(error) = &fed {
            self.failed = Some(error.clone());
            self.unpacked = Vec::new();
        }
        fed
    }

    /// Ends the stream.
    ///
    /// # Errors
    ///
    /// If it was given up before, or ends inside its header or a block.
    pub fn finish(self) -> Result<(), StreamError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let bytes = self.bytes();
        match self.next {
            Next::Header(_) => Err(StreamError::Ended {
                bytes,
                within: "the header",
            }),
            Next::Block(_, None) if self.pending.is_empty() => Ok(()),
            Next::Block(..) => Err(StreamError::Ended {
                bytes,
                within: "a block",
            }),
        }
    }

    /// Blocks read completely.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Whether the header is complete and asks for acknowledgements, see [`Layout::connection_header`](crate::Layout).
    #[must_use]
    pub fn wants_acknowledgements(&self) -> bool {
        self.acknowledge
    }

    /// Records shown.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Bytes taken in; of a stream that was given up, those before the item at fault.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.offset + self.pending.len() as u64
    }

    fn read(&mut self, mut bytes: &[u8], record: &mut impl FnMut(RecordRef<'_>)) -> Result<(), StreamError> {
        let mut pending = std::mem::take(&mut self.pending);
        while !pending.is_empty() {
            let (more, rest) = bytes.split_at(bytes.len().min(self.needed - pending.len()));
            bytes = rest;
            append(&mut pending, more, self.needed);
            if pending.len() < self.needed {
                self.pending = pending;
                return Ok(());
            }
            match self.item(&pending, record)? {
                Item::Read(_) if pending.capacity() > KEPT_BYTES => pending = Vec::new(),
                Item::Read(_) => pending.clear(),
                Item::Needs(size) => self.needed = size,
            }
        }
        while !bytes.is_empty() {
            match self.item(bytes, record)? {
                Item::Read(size) => bytes = &bytes[size..],
                Item::Needs(size) => {
                    self.needed = size;
                    append(&mut pending, bytes, size);
                    break;
                }
            }
        }
        self.pending = pending;
        Ok(())
    }

    /// Reads one item from the start of `bytes`.
    fn item(&mut self, bytes: &[u8], record: &mut impl FnMut(RecordRef<'_>)) -> Result<Item, StreamError> {
        let (offset, block, limits) = (self.offset, self.blocks + 1, self.limits);
        let block_fault = |fault| StreamError::Block { block, offset, fault };
        let item = match &mut self.next {
            Next::Header(header) => {
                let (item, writer) = header
                    .read(bytes, limits.header_bytes)
                    .map_err(|fault| StreamError::Header { offset, fault })?;
                if let Some(writer) = writer {
                    self.acknowledge = writer.acknowledge;
                    self.next = Next::Block(Reader::new(writer), None);
                }
                item
            }
            Next::Block(reader, next) => match *next {
                None => {
                    let (item, head) = read_head(bytes, limits.block_bytes).map_err(block_fault)?;
                    *next = head;
                    item
                }
                Some(head) if bytes.len() < head.size + SYNC_MARKER.len() => {
                    Item::Needs(head.size + SYNC_MARKER.len())
                }
                Some(head) => {
                    let body = &bytes[..head.size + SYNC_MARKER.len()];
                    let unpacked = reader
                        .unpack(head, body, &mut self.unpacked, limits.block_bytes)
                        .map_err(block_fault)?;
                    let before = self.records;
                    let left = reader.show(unpacked, head.records, limits, &mut self.records, record);
                    let left = left.map_err(|fault| {
                        let record = self.records - before + 1;
                        StreamError::Record {
                            block,
                            offset,
                            record,
                            fault,
                        }
                    })?;
                    if left > 0 {
                        return Err(block_fault(Fault::Trailing { bytes: left }));
                    }
                    if self.unpacked.capacity() > KEPT_BYTES {
                        self.unpacked = Vec::new();
                    }
                    self.blocks += 1;
                    *next = None;
                    Item::Read(body.len())
                }
            },
        };
        if let Item::Read(size) = item {
            self.offset += size as u64;
        }
        Ok(item)
    }
}

fn append(pending: &mut Vec<u8>, bytes: &[u8], needed: usize) {
    let len = pending.len() + bytes.len();
    if pending.capacity() < len {
        // Doubling like any vector, but never beyond what the item is going to need.
        pending.reserve_exact((2 * len).clamp(len, needed.max(len)) - pending.len());
    }
    pending.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
