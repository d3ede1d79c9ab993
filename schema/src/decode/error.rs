//! Why a stream was given up: what was found, where, and what would have been allowed.

use crate::SYNC_MARKER;

/// The end of a stream. Blocks and records are counted from 1, bytes of the stream from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The header cannot be read, or describes something that cannot.
    #[error("header, at byte {offset}: {fault}")]
    Header {
        /// Where the offending item begins.
        offset: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The frame around a block's records is wrong.
    #[error("block {block}, at byte {offset}: {fault}")]
    Block {
        /// Which block.
        block: u64,
        /// Where the offending item begins.
        offset: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A record cannot be read. Those before it were delivered.
    #[error("block {block}, at byte {offset}, record {record}: {fault}")]
    Record {
        /// Which block.
        block: u64,
        /// Where the block's records begin.
        offset: u64,
        /// Which record of this block.
        record: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The stream is over although something had only begun.
    #[error("stream ends at byte {bytes}, inside {within}")]
    Ended {
        /// How long the stream is.
        bytes: u64,
        /// What is incomplete.
        within: &'static str,
    },
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The stream is something else altogether.
    #[error("stream begins with {found:02x?}, an Avro object container file with [4f, 62, 6a, 01]")]
    Magic {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// A size, count or index is negative or too large.
    #[error("{what} is {found}, allowed is 0 to {max}")]
    OutOfRange {
        /// Whose.
        what: &'static str,
        /// As the stream says.
        found: i64,
        /// The limit that applies.
        max: u64,
    },
    /// Something is said to be longer than what it is part of.
    #[error("{what} is {found} bytes long, {left} are left")]
    Length {
        /// The thing.
        what: &'static str,
        /// As the stream says.
        found: i64,
        /// How many bytes follow in the block.
        left: usize,
    },
    /// The block ends before something is complete.
    #[error("block ends inside {what}")]
    Cut {
        /// The thing.
        what: &'static str,
    },
    /// A number goes on for longer than 64 bits need.
    #[error("{what} takes more than the 64 bits allowed")]
    Varint {
        /// Whose.
        what: &'static str,
    },
    /// A text is none.
    #[error("{what} is not UTF-8 from its byte {valid} on")]
    Utf8 {
        /// Which text.
        what: &'static str,
        /// How many of its bytes are right.
        valid: usize,
    },
    /// The writer's schema is missing or makes no sense.
    #[error("avro.schema: {reason}")]
    Schema {
        /// Why.
        reason: Box<str>,
    },
    /// The blocks are compressed in a way we do not know.
    #[error("avro.codec is {found}, allowed are null, deflate and snappy")]
    Codec {
        /// The name in the header, quoted.
        found: Box<str>,
    },
    /// A block cannot be decompressed.
    #[error("{codec} block: {reason}")]
    Compressed {
        /// How it is compressed.
        codec: &'static str,
        /// What the decompressor says.
        reason: Box<str>,
    },
    /// The marker after a block is another than in the header.
    #[error("sync marker is {}, the header's is {}", found.escape_ascii(), expected.escape_ascii())]
    Sync {
        /// The marker after the block.
        found: [u8; SYNC_MARKER.len()],
        /// The marker in the header.
        expected: [u8; SYNC_MARKER.len()],
    },
    /// A block holds more than its records.
    #[error("{bytes} bytes are left after the last record")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

/// A peer's text, quoted, escaped and cut to a length that a log can bear.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 64;
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", &text[..end]),
    }
}
