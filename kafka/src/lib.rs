//! What the collector and the consumer have in common of Kafka: where the brokers of a DC/OS framework are, and what may be
//! said about a client that could not be created, and which properties of one are refused.
//!
//! Everything here blocks; callers give it a thread of their own.

#![forbid(unsafe_code)]

mod client;
mod connection;
mod discovery;
mod dns;
mod framework;
#[cfg(feature = "local-broker")]
pub mod local;
mod verification;

pub use client::creation_error;
pub use discovery::{Discovery, DiscoveryError, await_brokers, discover};
pub use framework::Framework;
pub use verification::check_verification;
