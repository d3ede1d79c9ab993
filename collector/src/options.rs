//! The collector's command line and environment.

use crate::agent::AgentOptions;
use crate::flags::{boolean, set_values, two_dashes, with_environment, with_file};
use crate::http::HttpOptions;
use crate::self_metrics::SelfMetricsOptions;
use crate::sinks::kafka::KafkaOptions;
use crate::sinks::prometheus::PrometheusOptions;
use crate::sinks::{FileOptions, StatsdOptions};
use crate::sources::HostOptions;
use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, ValueEnum};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Receives tagged metrics on a node and hands them on
///
/// The module in the Mesos agent, and any other process, sends streams of Avro records over TCP. Unless they are sent
/// elsewhere every record is printed on stdout as a line of JSON; logs go to stderr.
#[derive(Clone, Debug, Parser)]
#[allow(missing_docs, reason = "a text on flattened options would become help")]
#[command(
    name = "dcos-stats-collector",
    // As in Go: of a flag given twice the last counts.
    args_override_self = true,
    version,
    after_help = "\
Every option can also be set by an environment variable, its name in capitals with _ for -: LISTEN, OUTPUT, ... \
An option on the command line wins over the environment, which wins over the file of --config. Long options may have one dash or two. RUST_LOG sets the level of the log \
(error, warn, info, debug).

Example: start a collector, send it metrics, look at their names
  dcos-stats-collector --listen 127.0.0.1:8124 | jq -r '.datapoints[].name' &
  collector-emitter --endpoint 127.0.0.1:8124"
)]
pub struct Options {
    /// Where to take connections; port 0 lets the system choose, and the log says which it was
    ///
    /// HOST may be a name, which is resolved once, an IPv4 address, an IPv6 address in brackets, or empty for all
    /// addresses. The old spellings --listen-endpont and --listen-endpoint are accepted.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8124",
          aliases = ["listen-endpont", "listen-endpoint"], value_parser = endpoint)]
    pub listen: String,

    /// What to print; stdout unless records go elsewhere, to a file or a server
    #[arg(long, value_name = "SINK", value_enum, value_delimiter = ',')]
    pub output: Vec<Output>,

    /// How many connections may be open at a time; more are closed at once
    #[arg(long, value_name = "CONNECTIONS", default_value = "4096")]
    pub max_connections: NonZeroUsize,

    /// The largest block a connection may send, as received and decompressed; 1 to 1048576
    #[arg(long, value_name = "KBYTES", default_value = "4096",
          value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub max_block_kbytes: u32,

    /// Memory for unfinished blocks of all connections together; 1 to 4194303
    ///
    /// When it is used up, connections that send a large block are closed. A block counts as large from 64 kB on.
    #[arg(long, value_name = "KBYTES", default_value = "65536",
          value_parser = clap::value_parser!(u32).range(1..1 << 22))]
    pub max_unfinished_kbytes: u32,

    /// What may wait for each output before its oldest records are dropped, in memory; 1 to 4194303
    #[arg(long, value_name = "KBYTES", default_value = "16384",
          value_parser = clap::value_parser!(u32).range(1..1 << 22))]
    pub output_queue_kbytes: u32,

    /// What one connection may send in each period, in kilobytes of stream; 0 for no limit
    ///
    /// Records beyond it are dropped and counted. The collector of 2016 allowed 20480, which a busy node exceeds.
    #[arg(long, value_name = "KBYTES", default_value = "0")]
    pub input_limit_amount_kbytes: u32,

    /// The period of that limit
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(1..))]
    pub input_limit_period: u32,

    /// Log every record that arrives; for debugging
    #[arg(long, value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = ArgAction::Set, value_parser = boolean)]
    pub record_input_log: bool,

    /// Log the bytes of every read from a connection in hexadecimal; for debugging
    #[arg(long, value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = ArgAction::Set, value_parser = boolean)]
    pub record_input_hexdump: bool,

    /// Accepted for those who have set it since 2016, and ignored: perf and such look into the program from outside
    #[arg(long, value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = ArgAction::Set, value_parser = boolean)]
    pub http_profile: bool,

    /// A file for running totals, with which the next collector counts what this one holds if it is killed
    ///
    /// It is written to with every batch and should be in memory, in /run for example. The number is in the log and among
    /// the collector's own metrics.
    #[arg(long, value_name = "FILE")]
    pub books: Option<PathBuf>,

    /// A file with options: TOML, one line for each, such as listen = "127.0.0.1:8124"
    ///
    /// Names are those of the long options, with - or _. The environment and the command line win.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Look whether these options can work, then exit: 0 if so, 1 if not
    ///
    /// Tries to listen, asks the agent, looks up names, and connects to what records would go to. Sends no record.
    #[arg(long)]
    pub check: bool,

    #[command(flatten)]
    pub agent: AgentOptions,

    #[command(flatten)]
    pub host: HostOptions,

    #[command(flatten)]
    pub kafka: KafkaOptions,

    #[command(flatten)]
    pub statsd: StatsdOptions,

    #[command(flatten)]
    pub file: FileOptions,

    #[command(flatten)]
    pub prometheus: PrometheusOptions,

    #[command(flatten)]
    pub http: HttpOptions,

    #[command(flatten)]
    pub self_metrics: SelfMetricsOptions,

    /// What was set in one way or another, by the names of environment variables; secrets are not shown
    #[arg(skip)]
    pub set: BTreeMap<String, String>,
}

/// A kind of sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// JSON lines on stdout
    Stdout,
    /// Nothing
    None,
}

impl Options {
    /// Reads command line and environment; `arguments` begin with the program's name.
    ///
    /// # Errors
    ///
    /// What is wrong and what is allowed, or the text that was asked for with `--help` or `--version`.
    pub fn read(
        arguments: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, clap::Error> {
        let built_in = Self::command();
        let arguments: Vec<_> = two_dashes(&built_in, arguments);
        let command = with_environment(built_in.clone(), &variable)?;
        // The file must be known before its entries can become defaults; what else is wrong is found afterwards.
        let config = command
            .clone()
            .ignore_errors(true)
            .try_get_matches_from(&arguments)?
            .remove_one::<PathBuf>("config");
        let command = match config {
            None => command,
            Some(path) => {
                let file = path.display().to_string();
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| built_in.clone().error(ErrorKind::Io, format!("{file}: {error}")))?;
                with_environment(with_file(built_in.clone(), &file, &text)?, &variable)?
            }
        };
        let matches = command.clone().try_get_matches_from(arguments)?;
        let mut options = Self::from_arg_matches(&matches)?;
        options.set = set_values(&built_in, &command, &matches);
        Ok(options)
    }

    /// Whether records are printed, if they go to so many other outputs.
    #[must_use]
    pub fn prints(&self, others: usize) -> bool {
        let elsewhere = others > 0;
        self.output.contains(&Output::Stdout) || self.output.is_empty() && !elsewhere
    }

    /// The addresses of [`Options::listen`], of which the first that can be bound is meant.
    ///
    /// # Errors
    ///
    /// When the host has no address.
    pub fn listen_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        addresses(&self.listen)
    }
}

/// The addresses of HOST:PORT, of which the first that can be bound is meant.
pub(crate) fn addresses(endpoint: &str) -> io::Result<Vec<SocketAddr>> {
    match endpoint.strip_prefix(':') {
        // As in Go, which the old collector was written in.
        Some(port) => ["[::]", "0.0.0.0"]
            .iter()
            .map(|host| socket_address(&format!("{host}:{port}")))
            .collect(),
        None => Ok(endpoint.to_socket_addrs()?.collect()),
    }
}

fn socket_address(text: &str) -> io::Result<SocketAddr> {
    text.parse().map_err(io::Error::other)
}

/// Refuses what is not HOST:PORT.
pub(crate) fn endpoint(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("must be HOST:PORT with a port of 0 to 65535, 127.0.0.1:8124 for example".to_owned()),
    }
}

#[cfg(test)]
mod tests;
