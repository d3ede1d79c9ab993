//! The core over real sockets: tasks' datagrams in, StatsD and Avro out.
#![expect(clippy::unwrap_used, reason = "a test")]

mod collector_away;
mod endpoints;
mod hostile;
mod lines;
mod node;
mod noise;
mod statsd_destination;
mod usage;
