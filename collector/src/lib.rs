//! The collector of a node: takes streams of tagged metrics from the module (and any other process) over TCP, adds what it
//! polls on the node itself, and hands every record to every sink.
//!
//! ```text
//! connection ───┐
//! connection ───┤
//! agent poller ─┼─> one bounded channel of batches ─> tagger, fan-out ─┬─> queue ─> sink on its own thread
//! host metrics ─┘                                                      └─> queue ─> sink on its own thread
//! ```
//!
//! * [`sources`] turn bytes into [`Batch`]es. All connections share one thread, which a node's metrics do not fill by
//!   far; a collector takes no more than that of what belongs to the tasks.
//! * The tagger adds what the Mesos [`agent`] says of the container a record comes from.
//! * The fan-out never waits: each sink has a queue bounded in bytes, and a full queue drops its oldest
//!   batches and counts them. So neither a slow nor a dead sink holds up the input or another sink.
//! * A [`Sink`] may block as long as it likes: it runs on a thread of its own.
//! * [`http`] shows what comes and what becomes of it.
//! * [`telemetry`] counts every fate of a connection, byte, record and datapoint.

#![forbid(unsafe_code)]

pub mod agent;
mod batch;
mod books;
pub mod check;
mod collector;
mod complaints;
mod counts;
mod datagrams;
mod fan_out;
pub mod flags;
pub mod http;
pub mod options;
pub mod self_metrics;
pub mod sinks;
pub mod sources;
mod summary;
mod tagger;
pub mod telemetry;

pub use batch::Batch;
pub use collector::{Collector, SinkError};
pub use counts::{Counts, Sum};
pub use sinks::Sink;

use std::time::SystemTime;

/// The environment's variables, as far as they are text.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// For logs.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Milliseconds since the Unix epoch; 0 before.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
