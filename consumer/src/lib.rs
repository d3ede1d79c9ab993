//! Takes the metrics that collectors wrote to Kafka and hands them to a database.
//!
//! Each worker is a thread with a Kafka consumer and a backend of its own:
//!
//! 1. a message is polled and decoded; whatever of it cannot be read is counted, and the next message goes on;
//! 2. lists of wanted frameworks are appended to the backend, which encodes them into its batch;
//! 3. a batch that is full, or has waited long enough, is delivered. While the backend does not take it, the worker pauses its
//!    partitions, tries again with growing intervals, and goes on polling so that it keeps its place in the group;
//! 4. only then are the offsets of the batch's messages stored, for Kafka to be told soon after.
//!
//! Where Kafka is, a DC/OS framework says, unless the options do. When its brokers have moved, all workers start again.
//!
//! So every datapoint reaches the backend at least once. One that arrives twice was in a batch that was under way when the
//! program or its backend was killed, or the partition moved to another member of the group.

#![forbid(unsafe_code)]

mod backend;
mod batch;
mod counters;
mod datagrams;
mod environment;
mod filter;
mod graphite;
mod http;
mod influx;
mod kafka;
mod kairos;
mod numbers;
mod options;
mod print;
mod program;
mod round;
mod statsd;
mod worker;

pub use counters::{Counters, Snapshot};
pub use environment::empty_is_unset;
pub use options::Options;
pub use program::run;
