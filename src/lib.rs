//! The core of the dcos-stats Mesos module: it gives containers StatsD endpoints, tags what arrives there with the
//! container it came from, and ships it. It knows nothing of Mesos' C++ types.
//!
//! The way of a datagram: an [`endpoint`] receives it, the event loop splits it into [`statsd`] lines and hands each to the
//! outputs, where it is tagged and packed, or becomes Avro datapoints. [`accounting`] says what became of everything.

pub mod accounting;
#[cfg(mesos)]
mod bridge;
pub mod container;
mod core;
pub mod endpoint;
mod event_loop;
mod identities;
#[cfg(any(mesos, test))]
mod module;
mod output;
pub mod parameters;
pub mod state;
pub mod statsd;
mod sync;
mod sys;

pub use crate::core::{Core, Recovery, StartError};
