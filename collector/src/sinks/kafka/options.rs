//! The options of the Kafka sink: those of 2016 under their old names (`reference/metrics.md` 2.1), then what is new.

use crate::flags::boolean;
use clap::{ArgAction, Args, ValueEnum};
use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// What the sink does, as given on the command line and in the environment.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Kafka")]
pub struct KafkaOptions {
    /// Send records to Kafka; by default if --kafka-brokers or --kafka-framework is given
    ///
    /// If neither is given, --kafka looks for the framework "kafka".
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = boolean)]
    pub kafka: Option<bool>,

    /// Brokers to begin with; no framework is asked then
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',')]
    pub kafka_brokers: Vec<String>,

    /// The DC/OS service that knows the brokers; asked again when none of them can be reached any more
    #[arg(long, value_name = "NAME")]
    pub kafka_framework: Option<String>,

    /// The name server to ask for the framework, instead of the system's
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub kafka_name_server: Option<SocketAddr>,

    /// How long to wait before looking for brokers again or connecting again; 10 to 600000
    ///
    /// In 2016 also how long the client collected messages. Messages are whole files of many records here and are sent
    /// at once.
    #[arg(long, value_name = "MS", default_value = "5000", value_parser = clap::value_parser!(u32).range(10..=600_000))]
    pub kafka_flush_ms: u32,

    /// What a topic's name begins with, before the topic of the records
    #[arg(long, value_name = "TEXT", default_value = "metrics-")]
    pub kafka_topic_prefix: String,

    /// Send everything to this topic; the prefix is not used then
    #[arg(long, value_name = "TOPIC", default_value = "")]
    pub kafka_single_topic: String,

    /// How many topics may be in use; records of further ones go to the topic PREFIXoverflow. 1 to 100000
    ///
    /// A topic that nothing was sent to for an hour makes room.
    #[arg(long, value_name = "TOPICS", default_value = "1024", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub kafka_max_topics: u32,

    /// How many lists of a topic make a message
    #[arg(long, value_name = "LISTS", default_value = "1024", value_parser = clap::value_parser!(u32).range(1..))]
    pub kafka_produce_count: u32,

    /// How many kilobytes of a topic make a message; 1 to 102400
    #[arg(long, value_name = "KBYTES", default_value = "512", value_parser = clap::value_parser!(u32).range(1..=102_400))]
    pub kafka_produce_kbytes: u32,

    /// How often everything that has come is made into messages; 1 to 3600000
    #[arg(long, value_name = "MS", default_value = "15000", value_parser = clap::value_parser!(u32).range(1..=3_600_000))]
    pub kafka_produce_period_ms: u32,

    /// The largest message; more than 1048588 must be allowed in the broker first. 16384 to 104857600
    ///
    /// A record that is larger is sent in several parts.
    #[arg(long, value_name = "BYTES", default_value = "1000000",
          value_parser = clap::value_parser!(u32).range(16_384..=104_857_600))]
    pub kafka_max_message_bytes: u32,

    /// Messages that may wait for Kafka, in memory, before the oldest are dropped; 1 to 4194303
    #[arg(long, value_name = "KBYTES", default_value = "32768", value_parser = clap::value_parser!(u32).range(1..1 << 22))]
    pub kafka_queue_kbytes: u32,

    /// Send type, sample rate and text of datapoints too; false for readers of 2016 that need its schema exactly
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", value_parser = boolean, action = ArgAction::Set)]
    pub kafka_metric_types: bool,

    /// What the partition of a message depends on
    #[arg(long, value_name = "KEY", value_enum, default_value = "none")]
    pub kafka_key: Key,

    /// How messages are compressed; by default snappy
    #[arg(long, value_name = "CODEC", value_enum)]
    pub kafka_compression: Option<Compression>,

    /// The old way to say --kafka-compression=snappy or, if false, none
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = boolean)]
    pub kafka_compress_snappy: Option<bool>,

    /// Wait until all replicas have a message, and let the broker recognise what is sent twice
    ///
    /// With false, which was the default in 2016, only the leader has to have it. It may be lost with the leader, and
    /// what is sent again after a lost connection may be there twice or in another order.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "true", value_parser = boolean, action = ArgAction::Set)]
    pub kafka_require_all_acks: bool,

    /// Log what the Kafka client does
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", value_parser = boolean, action = ArgAction::Set)]
    pub kafka_verbose: bool,

    /// How connections are secured; ssl and sasl_ssl always verify the broker's certificate and name
    #[arg(long, value_name = "PROTOCOL", value_enum, default_value = "plaintext")]
    pub kafka_security_protocol: Protocol,

    /// How to log in at the brokers; PLAIN if only user and password are given
    #[arg(long, value_name = "MECHANISM", value_parser = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])]
    pub kafka_sasl_mechanism: Option<String>,

    /// Who logs in at the brokers
    #[arg(long, value_name = "USER")]
    pub kafka_username: Option<String>,

    /// Its password; better in a file, since other users see command lines
    #[arg(
        long,
        value_name = "TEXT",
        hide_default_value = true,
        hide_env_values = true,
        conflicts_with = "kafka_password_file"
    )]
    pub kafka_password: Option<Secret>,

    /// A file with the password; a line's end after it is left out
    #[arg(long, value_name = "FILE")]
    pub kafka_password_file: Option<PathBuf>,

    /// Certificates of the authorities that may sign a broker's, in PEM; by default those of the system
    #[arg(long, value_name = "FILE")]
    pub kafka_ca_file: Option<PathBuf>,

    /// Our own certificate, in PEM, for brokers that ask for one
    #[arg(long, value_name = "FILE")]
    pub kafka_certificate_file: Option<PathBuf>,

    /// The key of our own certificate, in PEM
    #[arg(long, value_name = "FILE")]
    pub kafka_key_file: Option<PathBuf>,

    /// Another property of the Kafka client; may be given again. Variables KAFKA_OVERRIDE_... do the same
    ///
    /// KAFKA_OVERRIDE_SOCKET_TIMEOUT_MS=9000 is socket.timeout.ms=9000.
    #[arg(
        long,
        value_name = "NAME=VALUE",
        hide_default_value = true,
        hide_env_values = true
    )]
    pub kafka_property: Vec<Secret>,

    /// How much may be sent in a period; messages after that are dropped and counted. 0 for no limit
    ///
    /// In 2016 the default was 40960 kB in 60 s, and users lost metrics by it.
    #[arg(long, value_name = "KBYTES", default_value = "0")]
    pub global_limit_amount_kbytes: u32,

    /// How long that period is; 1 to 86400
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub global_limit_period: u32,

    /// Log every record that is made part of a message
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", value_parser = boolean, action = ArgAction::Set)]
    pub record_output_log: bool,

    /// Log the bytes of every message in hexadecimal
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value = "false", value_parser = boolean, action = ArgAction::Set)]
    pub record_output_hexdump: bool,
}

/// What the key of a message is. Messages with the same key go to the same partition and stay in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Key {
    /// No key, as in 2016: each message goes to any partition
    None,
    /// The topic's name: one partition of each topic gets everything
    Topic,
    /// The tag agent_id: what comes from one node, so from one container, stays in order
    #[value(name = "agent_id")]
    AgentId,
}

/// How messages are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compression {
    /// Not at all
    None,
    /// Snappy, as in 2016
    Snappy,
    /// LZ4
    Lz4,
    /// Zstandard, for brokers since 2.1
    Zstd,
    /// The smallest messages for the most work
    Gzip,
}

/// How connections are secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Neither encrypted nor logged in
    Plaintext,
    /// Encrypted
    Ssl,
    /// Logged in; anybody on the way can read the password
    #[value(name = "sasl_plaintext", alias = "sasl-plaintext")]
    SaslPlaintext,
    /// Encrypted and logged in
    #[value(name = "sasl_ssl", alias = "sasl-ssl")]
    SaslSsl,
}

/// A text that is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, which must not be logged.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

/// The name that the option and the client have for a choice.
pub(super) fn choice(value: &impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}
