//! The collector's own counts as StatsD gauges, under the names of 2016 where it still counts the same
//! (`reference/metrics.md` 2.7).
//!
//! | Name | What it counts |
//! |---|---|
//! | `tcp_input.tcp_accept_failures`, `.tcp_sessions_opened`, `.tcp_sessions_closed` | as in 2016 |
//! | `tcp_input.tcp_sessions_refused` | connections beyond `--max-connections` |
//! | `tcp_input.avro_reader_open_failures` | connections closed because the stream was not valid |
//! | `tcp_input.sessions_failed.<reason>` | connections that ended badly for another reason |
//! | `tcp_input.bytes`, `.blocks` | read |
//! | `tcp_input.records`, `.datapoints`, `topic_sorter.records`, `.records_bad_topic` | records of all sources |
//! | `tcp_input.records_throttled` | records that connections sent beyond their allowance |
//! | `agent_poll.*` | what became of the questions to the agent: [`AgentCounters`](crate::agent::AgentCounters) |
//! | `kafka_output.avro_records_sent`, `.bytes_sent` | records and bytes that Kafka took, if it is an output |
//! | other `kafka_output.*` and `topic_sorter.*` | then too: [`Counters`](crate::sinks::kafka::Counters) |
//! | `sinks.<name>.records`, `.datapoints`, `.bytes` | what the sink wrote |
//! | `sinks.<name>.lost_before` | datapoints a collector before this one held for it when it was killed |
//! | `sinks.<name>.dropped.<reason>` | datapoints it dropped, every reason always |
//!
//! Each is what was counted in the last period. The variants of 2016 with a topic at their end are gone: topics are made
//! by frameworks, and so would be any number of series.

use crate::Counts;
use crate::datagrams::{Datagram, Destination};
use crate::telemetry::Reason;
use clap::Args;
use log::{info, warn};
use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// As in 2016: what every StatsD server takes.
const DATAGRAM_BYTES: usize = 512;

/// Begins every name.
const PREFIX: &str = "dcos.metrics.collector.";

/// Where the collector sends counts about itself, and how often.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Metrics of the collector itself")]
pub struct SelfMetricsOptions {
    /// Send counts of what was received, written and dropped to StatsD on this host; needs --statsd-udp-port
    ///
    /// They are gauges dcos.metrics.collector.*, each what was counted in the last period. The environment variables
    /// STATSD_UDP_HOST and STATSD_UDP_PORT are those that a container gets: a collector that runs as a task of Mesos
    /// reports through its own endpoint. Without them, the log tells the most important counts once a minute.
    #[arg(
        long = "statsd-udp-host",
        value_name = "HOST",
        default_value = "",
        hide_default_value = true
    )]
    pub host: String,

    /// The port on --statsd-udp-host; 0 for none
    #[arg(long = "statsd-udp-port", value_name = "PORT", default_value = "0")]
    pub port: u16,

    /// How often to send them; 1 to 86400
    #[arg(id = "statsd-period", long = "statsd-period", value_name = "SECONDS", default_value = "15",
          value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub period_seconds: u64,
}

/// Everything that is counted, as sums since the start, by the name that follows `dcos.metrics.collector.`. The same
/// names in the same order every time.
#[must_use]
pub fn samples(counts: &Counts) -> Vec<(String, u64)> {
    let input = &counts.input;
    let mut samples: Vec<(String, u64)> = [
        ("tcp_input.tcp_accept_failures", &input.accept_failures),
        ("tcp_input.tcp_sessions_opened", &input.connections_opened),
        ("tcp_input.tcp_sessions_closed", &input.connections_closed),
        ("tcp_input.tcp_sessions_refused", &input.connections_refused),
        ("tcp_input.avro_reader_open_failures", &input.failed_invalid),
        ("tcp_input.sessions_failed.truncated", &input.failed_truncated),
        ("tcp_input.sessions_failed.read", &input.failed_read),
        ("tcp_input.sessions_failed.memory", &input.failed_memory),
        ("tcp_input.sessions_failed.panic", &input.failed_panic),
        ("tcp_input.bytes", &input.bytes),
        ("tcp_input.blocks", &input.blocks),
        ("tcp_input.records", &input.records),
        ("tcp_input.records_throttled", &input.throttled.records),
        ("tcp_input.datapoints", &input.datapoints),
        ("topic_sorter.records", &input.records),
        ("topic_sorter.records_bad_topic", &input.records_without_topic),
    ]
    .map(|(name, counter)| (name.to_owned(), counter.get()))
    .into();
    for queue in &counts.queues {
        let (sink, output) = (queue.sink(), queue.output());
        let (records, datapoints) = output.written.get();
        let bytes = output.bytes_written.get();
        if sink == "kafka" {
            samples.push(("kafka_output.avro_records_sent".to_owned(), records));
            samples.push(("kafka_output.bytes_sent".to_owned(), bytes));
        }
        samples.push((format!("sinks.{sink}.records"), records));
        samples.push((format!("sinks.{sink}.datapoints"), datapoints));
        samples.push((format!("sinks.{sink}.bytes"), bytes));
        samples.push((format!("sinks.{sink}.lost_before"), output.lost_before.get()));
        samples.extend(Reason::ALL.map(|reason| {
            let dropped = output.dropped(reason).datapoints.get();
            (format!("sinks.{sink}.dropped.{}", reason.as_str()), dropped)
        }));
    }
    samples.extend(counts.sums().map(|sum| (sum.name.to_owned(), sum.value)));
    samples
}

/// Sends what the samples grew by, every period until it is dropped, and then what there is since.
#[derive(Debug)]
pub struct SelfMetrics {
    /// Dropped first, which ends the thread.
    running: Option<Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl SelfMetrics {
    /// Starts sending `samples`, which are sums that never shrink; none if `options` name no endpoint.
    ///
    /// # Errors
    ///
    /// When the system refuses a socket or a thread.
    pub fn start(
        options: &SelfMetricsOptions,
        samples: impl Fn() -> Vec<(String, u64)> + Send + 'static,
    ) -> io::Result<Option<Self>> {
        let SelfMetricsOptions {
            host,
            port,
            period_seconds,
        } = options;
        if host.is_empty() || *port == 0 {
            if !host.is_empty() || *port != 0 {
                warn!(
                    "No metrics of the collector itself are sent: --statsd-udp-host={host} and --statsd-udp-port={port} are \
                     only useful together"
                );
            }
            return Ok(None);
        }
        let mut report = Report {
            endpoint: format!("{host}:{port}"),
            destination: Destination::new(host, *port)?,
            sent: HashMap::new(),
            failure: None,
        };
        let period = Duration::from_secs(*period_seconds);
        let (running, ended) = channel::<()>();
        let thread = thread::Builder::new()
            .name("self-metrics".to_owned())
            .spawn(move || {
                let mut due = Instant::now();
                loop {
                    due += period;
                    let pause = due.saturating_duration_since(Instant::now());
                    let last = ended.recv_timeout(pause) != Err(RecvTimeoutError::Timeout);
                    report.send(samples());
                    if last {
                        break;
                    }
                }
            })?;
        Ok(Some(Self {
            running: Some(running),
            thread: Some(thread),
        }))
    }
}

impl Drop for SelfMetrics {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Some(thread) = self.thread.take() {
            // It sends a few datagrams at most, and a panic of its own has been printed.
            let _ended = thread.join();
        }
    }
}

#[derive(Debug)]
struct Report {
    endpoint: String,
    destination: Destination,
    /// The sums that were sent.
    sent: HashMap<String, u64>,
    /// Why the last datagram could not be sent.
    failure: Option<String>,
}

impl Report {
    /// Sends every sample's growth, none being one as well. What is lost on the way is lost: the next period is the next.
    fn send(&mut self, samples: Vec<(String, u64)>) {
        let mut datagram = Datagram::new(DATAGRAM_BYTES);
        let mut result = Ok(());
        for (name, sum) in samples {
            let growth = sum.saturating_sub(self.sent.get(&name).copied().unwrap_or(0));
            let line = format!("{PREFIX}{name}:{growth}|g");
            if !datagram.is_empty() && !datagram.fits(line.as_bytes()) {
                result = result.and(self.destination.send(datagram.bytes()));
                datagram.clear();
            }
            datagram.push(line.as_bytes());
            self.sent.insert(name, sum);
        }
        if !datagram.is_empty() {
            result = result.and(self.destination.send(datagram.bytes()));
        }
        self.tell(result);
    }

    /// Logs what is new.
    fn tell(&mut self, result: io::Result<()>) {
        let failure = result.err().map(|error| error.to_string());
        if failure == self.failure {
            return;
        }
        match &failure {
            Some(failure) => warn!(
                "Cannot send metrics of the collector itself to {}: {failure}",
                self.endpoint
            ),
            None => info!(
                "Metrics of the collector itself are sent to {} again",
                self.endpoint
            ),
        }
        self.failure = failure;
    }
}

#[cfg(test)]
mod tests;
