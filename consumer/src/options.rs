//! The command line.

use crate::backend::Backend;
use crate::counters::Counters;
use crate::environment::boolean;
use crate::graphite::{Graphite, GraphiteOptions};
use crate::influx::{Influx, InfluxOptions};
use crate::kafka::KafkaOptions;
use crate::kairos::{Kairos, KairosOptions};
use crate::print::Print;
use crate::statsd::{Statsd, StatsdOptions};
use clap::{Args, Parser, Subcommand};
use std::sync::Arc;

const EXAMPLES: &str = "\
Every option with an [env: NAME=] can also be set by that variable; one that is set but empty counts as unset. Booleans are
true if they begin with t, T or 1.

Example: look at what comes out of the Kafka that is the DC/OS service kafka, then send it to Graphite; and out of one without
DC/OS:

  dcos-stats-consumer print
  OUTPUT_HOST=graphite.example.com dcos-stats-consumer graphite
  KAFKA_OVERRIDE_BOOTSTRAP_SERVERS=broker-0.example.com:9092 dcos-stats-consumer print

Brokers that are given with bootstrap.servers are used as they are. Otherwise those of the framework --kafka-framework-name are:
it is asked at the start, until it answers, and again when all brokers have been out of reach for a while. Only if they are
others by then does the consumer start again with them, where it last committed.

Processes of the same group share the partitions; those of different groups each see everything. The group is
dcos-stats-SUBCOMMAND unless KAFKA_OVERRIDE_GROUP_ID says otherwise. A new group begins with the oldest messages Kafka has;
KAFKA_OVERRIDE_AUTO_OFFSET_RESET=latest makes it begin with new ones.

Each datapoint arrives at least once. While the backend is away nothing is read, and nothing is lost that Kafka keeps for long
enough. TERM and INT deliver what has been read, commit and end the program.

Exit status: 0 stopped by a signal; 1 wrong options, or could not go on.";

/// Takes metrics out of Kafka and hands them to a database.
#[derive(Clone, Debug, Parser)]
#[command(name = "dcos-stats-consumer", version, after_long_help = EXAMPLES, after_help = "More and an example: --help")]
pub struct Options {
    #[command(flatten)]
    pub(crate) kafka: KafkaOptions,
    #[command(flatten)]
    pub(crate) run: RunOptions,
    #[command(subcommand)]
    pub(crate) backend: BackendOptions,
}

/// How the program runs, whatever the backend.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "All subcommands")]
pub(crate) struct RunOptions {
    /// Only lists of these frameworks, by name, separated by commas; the word null stands for lists without a framework
    #[arg(long, env, value_name = "NAME", value_delimiter = ',', global = true)]
    pub(crate) framework_names: Vec<String>,

    /// How often the counts are logged, in milliseconds; 0 is never
    #[arg(long, env, value_name = "MS", default_value_t = 5_000, global = true)]
    pub(crate) stats_print_period_ms: u32,

    /// Log each list that is wanted
    #[arg(long, env, value_name = "BOOL", default_value = "false", num_args = 0..=1, default_missing_value = "true", require_equals = true,
          value_parser = boolean, global = true)]
    pub(crate) print_records: bool,

    /// How long one request for messages may wait, in milliseconds; a signal is noticed that late
    #[arg(long, env, value_name = "MS", default_value_t = 1_000, global = true,
          value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) poll_timeout_ms: u32,

    /// How many Kafka consumers to run, each with a thread and a connection to the backend of its own
    #[arg(long, env, value_name = "COUNT", default_value_t = 1, global = true,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) consumer_threads: u16,

    /// How long datapoints may wait for others to be delivered with, in milliseconds
    #[arg(long, env, value_name = "MS", default_value_t = 100, global = true,
          value_parser = clap::value_parser!(u32).range(0..=60_000))]
    pub(crate) batch_ms: u32,

    /// Exit with 1 when the backend cannot be reached or does not take a batch, instead of trying again. Either way nothing is
    /// lost: the next start goes on with that batch
    #[arg(long, env, value_name = "BOOL", default_value = "false", num_args = 0..=1, default_missing_value = "true", require_equals = true,
          value_parser = boolean, global = true)]
    pub(crate) exit_on_connect_failure: bool,
}

/// Where metrics go.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum BackendOptions {
    /// Write each list as a line of JSON to standard output
    Print,
    /// Send to Graphite's Carbon: plain lines over TCP or UDP, or pickles
    Graphite(GraphiteOptions),
    /// Send to InfluxDB 1.x or 2.x over HTTP
    Influx(InfluxOptions),
    /// Send to KairosDB over HTTP
    Kairos(KairosOptions),
    /// Send to a StatsD server over UDP
    Statsd(StatsdOptions),
}

impl Options {
    /// What is logged unless `RUST_LOG` says otherwise.
    #[must_use]
    pub fn log_filter(&self) -> &'static str {
        match &self.backend {
            BackendOptions::Influx(options) if options.logs_requests() => "info,ureq=debug",
            _ => "info",
        }
    }
}

impl BackendOptions {
    /// The name of the subcommand.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Print => "print",
            Self::Graphite(_) => "graphite",
            Self::Influx(_) => "influx",
            Self::Kairos(_) => "kairos",
            Self::Statsd(_) => "statsd",
        }
    }

    /// A backend for one worker.
    ///
    /// # Errors
    ///
    /// Options that make no sense.
    pub(crate) fn create(&self, counters: Arc<Counters>) -> Result<Box<dyn Backend + Send>, String> {
        Ok(match self {
            Self::Print => Box::new(Print::new(counters, std::io::stdout())),
            Self::Graphite(options) => Box::new(Graphite::new(options, counters)?),
            Self::Influx(options) => Box::new(Influx::new(options, counters)?),
            Self::Kairos(options) => Box::new(Kairos::new(options, counters)),
            Self::Statsd(options) => Box::new(Statsd::new(options, counters)),
        })
    }
}

#[cfg(test)]
mod tests;
