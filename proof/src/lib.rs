//! The whole path under faults and under load, with numbered lines: a generator sends every number once, from many
//! containers, through the module, the collector, Kafka and a consumer, and at the end each of them has arrived or is in
//! a drop counter.
//!
//! The programs are the real ones, except that `proof-node` stands for the agent: it runs the module's core and does what
//! its standard input says.

#![forbid(unsafe_code)]

pub mod arrivals;
pub mod books;
pub mod clock;
pub mod collector;
pub mod consumer;
pub mod generator;
pub mod identity;
pub mod node;
pub mod path;
pub mod process;
pub mod scenarios;
pub mod soak;

/// What went wrong, for people.
pub type Failure = String;
