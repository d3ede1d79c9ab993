//! What each program says at its end, and what was counted here.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Counts by reason.
pub(crate) type Reasons = BTreeMap<String, u64>;

/// Of one emitter: what the kernel took from it, and what it refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Emitter {
    pub(crate) lines: u64,
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
    pub(crate) failed_datagrams: u64,
}

/// Of the module. Only what the balance needs; it may say more, and of an output that is off it says nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Module {
    pub(crate) datagrams_received: u64,
    pub(crate) bytes_received: u64,
    pub(crate) datagrams_read: u64,
    pub(crate) datagrams_throttled: u64,
    pub(crate) datagrams_panicked: u64,
    pub(crate) kernel_drops: u64,
    pub(crate) lines_received: u64,
    pub(crate) lines_generated: u64,
    pub(crate) statsd_output: StatsdOutput,
    pub(crate) collector_output: CollectorOutput,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatsdOutput {
    pub(crate) lines: u64,
    pub(crate) lines_forwarded: u64,
    pub(crate) datagrams_forwarded: u64,
    pub(crate) lines_dropped: Reasons,
    pub(crate) lines_pending: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CollectorOutput {
    pub(crate) lines: u64,
    pub(crate) events: u64,
    pub(crate) service_checks: u64,
    pub(crate) values_non_finite: u64,
    pub(crate) datapoints: u64,
    pub(crate) datapoints_forwarded: u64,
    pub(crate) datapoints_dropped: Reasons,
    pub(crate) datapoints_pending: u64,
}

/// Of the collector.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Collector {
    pub(crate) datapoints_received: u64,
    pub(crate) connections_failed: Reasons,
    pub(crate) sinks: Sinks,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sinks {
    pub(crate) stdout: Sink,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sink {
    pub(crate) datapoints_written: u64,
    pub(crate) datapoints_dropped: Reasons,
}

/// What arrived at one end of the path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrived {
    /// Of each container's task.
    pub(crate) tasks: Vec<u64>,
    pub(crate) module: u64,
    pub(crate) stray: u64,
    /// Datagrams; 0 at the collector.
    pub(crate) datagrams: u64,
}

/// Everything the balance is drawn from. Containers have the same order everywhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reports {
    pub(crate) containers: Vec<&'static str>,
    pub(crate) emitters: Vec<Emitter>,
    pub(crate) module: Module,
    pub(crate) collector: Collector,
    pub(crate) at_statsd: Arrived,
    /// Datagrams that the demo's own socket had no room for.
    pub(crate) statsd_kernel_drops: u64,
    pub(crate) at_collector: Arrived,
}

impl Arrived {
    pub(crate) fn total(&self) -> u64 {
        self.tasks.iter().sum::<u64>() + self.module + self.stray
    }
}
