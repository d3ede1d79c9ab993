//! Asks the Mesos agent of this node who runs here and how the containers and the agent are doing.
//!
//! ```text
//!                                                            ┌─> AgentState: tags for all records
//! agent ── /state, /metrics/snapshot, /containers ──> poller ┤
//!          (or the calls of /api/v1), every period           └─> lists of metrics of agent and containers
//! ```
//!
//! * [`Poller`] is a thread that asks, one question after the other. Whatever goes wrong is counted, logged once and tried
//!   again; nothing ends the collector.
//! * [`AgentState`] is immutable. Every answer makes a new one, so nothing of an old answer is left in it.
//! * An answer is read a member at a time: what is wrong in one framework, task or container costs that one only.
//!
//! Memory is bounded: an answer may have 64 MiB, and what is kept of it is limited in number too.

mod address;
mod client;
mod counters;
mod error;
mod json;
mod labels;
mod metrics;
mod options;
mod poll;
mod poller;
mod questions;
mod schedule;
mod secret;
mod settings;
mod skipped;
mod state;
mod statistics;

pub use counters::AgentCounters;
pub use error::{BadData, QueryError};
pub use labels::LabelChoice;
pub use metrics::snapshot;
pub use options::{AgentApi, AgentOptions};
pub use poller::{Poller, PollerHandle, check};
pub use secret::Secret;
pub use settings::{AgentSettings, SettingsError};
pub use skipped::Skipped;
pub use state::{AgentState, NO_STATE};
pub use statistics::containers;

/// Metrics of one answer, and what of it could not become one.
#[derive(Debug, Default)]
pub struct Measured {
    /// The metrics, in the order of the answer.
    pub lists: Vec<stats_schema::MetricList>,
    /// Numbers among them.
    pub values: u64,
    /// Values left out because they are no finite numbers.
    pub unsupported: u64,
    /// Containers left out.
    pub skipped: Skipped,
}

/// The most values taken from one answer, 200 containers having about 10,000; the rest is left out and counted.
const MAX_VALUES: usize = 100_000;

/// The most frameworks, executors, tasks and containers together that are taken from one answer.
const MAX_ENTRIES: usize = 50_000;
