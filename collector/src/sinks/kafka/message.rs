//! One message: a complete object container file of one topic's records.

use std::fmt;
use std::mem::size_of;
use std::sync::Arc;

/// A file for Kafka, and what is in it.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) topic: Arc<str>,
    pub(super) key: Option<Arc<str>>,
    pub(super) file: Vec<u8>,
    /// Records as they arrived. Of a record in several messages, the last one has it.
    pub(super) records: u64,
    pub(super) datapoints: u64,
    pub(super) trigger: Trigger,
    /// How often Kafka has returned it with an error that may pass.
    pub(super) failures: u32,
}

impl Message {
    /// The memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.file.capacity()
    }
}

/// Why the records of a topic were made into a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// There were this many.
    Records(usize),
    /// They had this many bytes.
    Bytes(usize),
    /// So many milliseconds were over.
    PeriodMs(u128),
    /// The next one would have made the message too large.
    Room,
    /// All topics together held too much.
    Memory,
    /// The collector ends.
    End,
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records(records) => write!(f, "{records} recs"),
            Self::Bytes(bytes) => write!(f, "{} KB", bytes / 1024),
            Self::PeriodMs(ms) => write!(f, "{ms} ms"),
            Self::Room => f.write_str("message full"),
            Self::Memory => f.write_str("memory"),
            Self::End => f.write_str("end"),
        }
    }
}
