//! The module's configuration: from the key/value lists that Mesos hands to modules to one checked, typed value.
//!
//! 1. [`modules`] takes the JSON of `mesos-agent --modules` and gathers the pairs of our modules in a [`ParameterList`]
//!    (inside the agent, Mesos reads that JSON itself and the lists of several modules are [merged](ParameterList::merge)).
//! 2. [`Parameters::from_list`] finds each pair in one table of settings, which knows the names, kinds and defaults of
//!    both eras, and reads the ones that matter.
//!
//! Every problem is an error that names the parameter, its value and what is allowed, on one line.

mod assemble;
mod error;
mod kind;
mod list;
mod modules_json;
mod table;

#[cfg(test)]
mod tests;

pub use error::{ModulesError, ParameterError};
pub use list::ParameterList;
pub use modules_json::modules;
pub use table::markdown_table;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The names under which our library offers its modules (`reference/metrics.md` 1.1).
pub const MODULE_NAMES: [&str; 5] = [
    "com_mesosphere_StatsIsolatorModule",
    "com_mesosphere_StatsResourceEstimatorModule",
    "com_mesosphere_StatsEnvHook",
    "com_mesosphere_MetricsIsolatorModule",
    "com_mesosphere_MetricsResourceEstimatorModule",
];

/// The checked configuration of the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// Where containers' endpoints are.
    pub listen: Listen,
    /// Bytes accepted from one container in each `period`; `None` is no limit, 0 drops everything.
    pub container_limit: Option<u64>,
    /// Period of the container limit and of the module's own metrics, at least one second.
    pub period: Duration,
    /// Whether the module sends metrics about itself through its outputs.
    pub self_metrics: bool,
    /// Avro over TCP to the node's collector. At least one of the two outputs is there.
    pub collector: Option<CollectorOutput>,
    /// StatsD over UDP.
    pub statsd: Option<StatsdOutput>,
    /// Root of the state cache; the files are in its folder `containers`.
    pub state_dir: PathBuf,
}

/// Where containers' endpoints are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// What the sockets are bound to, and what tasks are told.
    pub address: ListenAddress,
    /// How ports are chosen.
    pub ports: PortMode,
    /// Kernel buffer to ask for per socket, bytes, as given to `SO_RCVBUF`.
    pub receive_buffer_bytes: usize,
}

/// What endpoints are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// First address of this network interface. Not yet known to exist.
    Interface(String),
    /// First address this name resolves to, once, at the start; IP literals are names too.
    Host(String),
    /// Exactly this address.
    Ip(IpAddr),
}

/// How the port of an endpoint is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortMode {
    /// By the kernel, one per container.
    Ephemeral,
    /// One port, never 0, for all containers.
    Single(u16),
    /// One port per container out of a range of at least two.
    Range {
        /// First port, never 0.
        start: u16,
        /// Last port, inclusive, greater than `start`.
        end: u16,
    },
}

/// Avro over TCP to a collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorOutput {
    /// Where the collector listens; the port is never 0.
    pub address: SocketAddr,
    /// A block is sent when it holds this many datapoints, at least 1. 1 when chunking is off.
    pub chunk_datapoints: usize,
    /// A block is sent at the latest after this time, at least one second.
    pub chunk_timeout: Duration,
    /// Bytes of blocks kept while the collector is away or slow.
    pub queue_bytes: usize,
    /// Whether datapoints carry type, sample rate and text; without them the bytes are those of 2016.
    pub metric_types: bool,
    /// Whether values of every type, not only counters, are divided by their sample rate, as in 2016.
    pub sample_rate_all_types: bool,
}

/// StatsD over UDP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsdOutput {
    /// Name or IP literal of the receiver.
    pub host: String,
    /// Port of the receiver, never 0.
    pub port: u16,
    /// How often `host` is resolved again, at least one second.
    pub refresh: Duration,
    /// How a line says which container it came from.
    pub annotation: Annotation,
    /// Order and place of the tags of [`Annotation::TagDatadog`].
    pub tag_order: TagOrder,
    /// Capacity of a datagram with several lines, 1 to 65536 bytes; `None` sends each line by itself.
    pub chunk_bytes: Option<usize>,
}

/// How a StatsD line says which container it came from (`reference/metrics.md` 1.16.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Annotation {
    /// Not at all.
    None,
    /// `framework.executor.container.` before the name.
    KeyPrefix,
    /// Tags in the manner of DogStatsD.
    TagDatadog,
}

/// Order and place of the tags of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagOrder {
    /// framework, executor, container, at the end of the line's own tags (since May 2016, 1.16.1).
    FrameworkFirst,
    /// container, executor, framework, with the line's own tags moved to its end (before May 2016, 1.16.2).
    ContainerFirst,
}

impl Parameters {
    /// Says whether [`from_list`](Self::from_list) would read a list, and logs nothing.
    ///
    /// # Errors
    ///
    /// As [`from_list`](Self::from_list).
    pub fn check(list: &ParameterList) -> Result<(), ParameterError> {
        assemble::parameters(list).map(drop)
    }

    /// Reads a list. What is accepted but deserves attention is logged.
    ///
    /// # Errors
    ///
    /// The first thing wrong: an unknown key, a bad value, a setting given twice under two names, no output.
    pub fn from_list(list: &ParameterList) -> Result<Parameters, ParameterError> {
        let (parameters, notices) = assemble::parameters(list)?;
        for notice in notices {
            log::log!(notice.level, "{}", notice.text);
        }
        Ok(parameters)
    }
}
