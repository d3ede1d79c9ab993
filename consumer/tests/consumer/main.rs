//! The real program between a real Kafka and real backends. What is not installed is skipped, with a word about it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod certificate;
mod discovery;
mod graphite;
mod influx;
mod installed;
mod kairos;
mod kairosdb;
mod messages;
mod print;
mod program;
mod recording_server;
mod statsd;
