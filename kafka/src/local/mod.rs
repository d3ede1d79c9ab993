//! Real servers on this machine's loopback interface, for tests and benchmarks.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod broker;
mod name_server;

pub use broker::{Broker, new_topic};
pub use name_server::NameServer;
