//! Metrics of the machine itself, under the names of `reference/metrics.md` 6.3.
//!
//! Two threads poll: one what the kernel tells at once, the other the filesystems, which may keep whoever asks waiting.
//! Dropping [`HostMetrics`] ends both, a hanging one after the call it hangs in.

mod filesystems;
mod system;

use crate::complaints::Complaints;
use crate::flags::boolean;
use crate::now_ms;
use clap::Args;
use rustix::system::uname;
use stats_schema::{Datapoint, MetricList, MetricType, Tag};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use system::System;

/// Whether and how often the machine is looked at.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Host metrics")]
pub struct HostOptions {
    /// Whether to add metrics of the machine: load, cpu, memory, swap, filesystems, network, processes, uptime
    ///
    /// They are gauges with the topic of the agent's own metrics. Filesystems have a tag path; those without a disk
    /// (tmpfs, overlay, network filesystems and such) are left out except for /. Network interfaces have a tag interface.
    #[arg(long = "host-metrics", value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = clap::ArgAction::Set, value_parser = boolean)]
    pub enabled: bool,

    /// How often to look at the machine; 1 to 86400
    #[arg(long = "host-metrics-period", value_name = "SECONDS", default_value = "15",
          value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub period_seconds: u64,
}

/// The running threads, until it is dropped.
#[derive(Debug)]
pub struct HostMetrics {
    _running: [Sender<()>; 2],
}

impl HostMetrics {
    /// Hands the metrics to `lists` at once, and then every `period`; what is a change since the poll before, the cpu's
    /// percentages, from the second poll on. Each list has a distinct set of tags, and all have `topic`, and the tag
    /// `hostname` if it is there. When `lists` returns false, nobody wants them any more.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread.
    pub fn start(
        period: Duration,
        topic: &str,
        hostname: Option<&str>,
        lists: impl Fn(Vec<MetricList>) -> bool + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let lists = Arc::new(lists);
        let mut system = System::default();
        let system = Poll {
            complaints: Complaints::new("Reading the system's metrics"),
            period,
            topic: topic.to_owned(),
            hostname: hostname.map(str::to_owned),
            lists: Arc::clone(&lists),
        }
        .start("host-system", move || system.poll())?;
        let filesystems = Poll {
            complaints: Complaints::new("Reading the filesystems' metrics"),
            period,
            topic: topic.to_owned(),
            hostname: hostname.map(str::to_owned),
            lists,
        }
        .start("host-filesystems", filesystems::poll)?;
        Ok(Self {
            _running: [system, filesystems],
        })
    }
}

/// Names and values.
type Values = Vec<(&'static str, f64)>;

/// A key and its value.
type HostTag = (&'static str, String);

/// Values with the tag they share, if they have one, and what could not be read.
#[derive(Debug, Default)]
struct Readings {
    groups: Vec<(Option<HostTag>, Values)>,
    failures: Vec<String>,
}

/// What is done again and again.
struct Poll<L> {
    /// About what could not be read.
    complaints: Complaints,
    period: Duration,
    topic: String,
    hostname: Option<String>,
    lists: Arc<L>,
}

impl<L: Fn(Vec<MetricList>) -> bool + Send + Sync + 'static> Poll<L> {
    fn start(
        mut self,
        thread: &str,
        mut read: impl FnMut() -> Readings + Send + 'static,
    ) -> io::Result<Sender<()>> {
        let (running, ended) = channel::<()>();
        thread::Builder::new().name(thread.to_owned()).spawn(move || {
            let mut due = Instant::now();
            loop {
                let Readings { groups, failures } = read();
                if failures.is_empty() {
                    self.complaints.none();
                } else {
                    self.complaints.problem(failures.join("; "));
                }
                if !(self.lists)(to_lists(&self.topic, self.hostname.as_deref(), now_ms(), groups)) {
                    break;
                }
                // What took longer than a period is not made up for.
                due = (due + self.period).max(Instant::now());
                let pause = due.saturating_duration_since(Instant::now());
                if ended.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
        })?;
        Ok(running)
    }
}

/// What the machine calls itself.
#[must_use]
pub fn hostname() -> String {
    uname().nodename().to_string_lossy().into_owned()
}

fn to_lists(
    topic: &str,
    hostname: Option<&str>,
    time_ms: i64,
    groups: Vec<(Option<HostTag>, Values)>,
) -> Vec<MetricList> {
    let datapoint = |(name, value): (&str, f64)| Datapoint {
        name: name.to_owned(),
        time_ms,
        value,
        metric_type: MetricType::Gauge,
        sample_rate: 1.0,
        text: None,
    };
    groups
        .into_iter()
        .map(|(tag, values)| MetricList {
            topic: topic.to_owned(),
            tags: tag
                .into_iter()
                .chain(hostname.map(|hostname| ("hostname", hostname.to_owned())))
                .map(|(key, value)| Tag {
                    key: key.to_owned(),
                    value,
                })
                .collect(),
            datapoints: values.into_iter().map(datapoint).collect(),
        })
        .collect()
}

/// A count or a number of bytes as a value. Above 2^53 it is the nearest one there is.
#[expect(clippy::cast_precision_loss, reason = "values are doubles")]
fn value(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
