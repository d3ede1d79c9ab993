//! What the options come to, checked.

use super::lists::Form;
use super::names::{LONGEST, is_legal};
use super::options::{Compression, KafkaOptions, Protocol, Secret, choice};
use super::sorter::Rules;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use stats_kafka::{Framework, check_verification, creation_error};
use stats_schema::Layout;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

/// Environment variables that begin so are properties of the client.
const OVERRIDE: &str = "KAFKA_OVERRIDE_";

/// The framework that is asked if nothing else is said.
const FRAMEWORK: &str = "kafka";

/// Properties that other options or the sink itself decide on.
const OURS: [(&str, &str); 7] = [
    ("bootstrap.servers", "set --kafka-brokers"),
    ("metadata.broker.list", "set --kafka-brokers"),
    ("message.max.bytes", "set --kafka-max-message-bytes"),
    (
        "statistics.interval.ms",
        "it shows whether brokers can be reached",
    ),
    ("transactional.id", "messages are sent without transactions"),
    ("delivery.report.only.error", "what was written is counted"),
    ("debug", "set --kafka-verbose"),
];

/// A checked configuration of the sink.
#[derive(Clone)]
pub struct Settings {
    pub(super) rules: Rules,
    pub(super) brokers: Brokers,
    /// How long to wait before trying again.
    pub(super) retry: Duration,
    pub(super) queue_bytes: usize,
    /// Bytes in a period.
    pub(super) limit: Option<(u64, Duration)>,
    pub(super) verbose: bool,
    /// Whether the bytes of every message are logged.
    pub(super) log_bytes: bool,
    /// May hold passwords.
    properties: BTreeMap<String, String>,
}

/// Where the brokers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Brokers {
    /// At these addresses.
    Fixed(Vec<String>),
    /// Where this framework says.
    Framework {
        framework: Framework,
        name_server: Option<SocketAddr>,
    },
}

impl KafkaOptions {
    /// Checks the options; None if there shall be no Kafka. `environment` is looked through for properties of the client.
    ///
    /// # Errors
    ///
    /// What is wrong and what is allowed; never a password.
    pub fn settings(
        &self,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Option<Settings>, String> {
        let brokers: Vec<String> = self
            .kafka_brokers
            .iter()
            .map(|broker| broker.trim().to_owned())
            .filter(|broker| !broker.is_empty())
            .collect();
        let framework = self.kafka_framework.as_deref().filter(|name| !name.is_empty());
        if !self.kafka.unwrap_or(!brokers.is_empty() || framework.is_some()) {
            return Ok(None);
        }
        let settings = Settings {
            rules: self.rules()?,
            brokers: if brokers.is_empty() {
                Brokers::Framework {
                    framework: framework
                        .unwrap_or(FRAMEWORK)
                        .parse()
                        .map_err(|error| format!("--kafka-framework: {error}"))?,
                    name_server: self.kafka_name_server,
                }
            } else {
                Brokers::Fixed(brokers)
            },
            retry: Duration::from_millis(self.kafka_flush_ms.into()),
            queue_bytes: self.kafka_queue_kbytes as usize * 1024,
            limit: (self.global_limit_amount_kbytes > 0).then(|| {
                let period = Duration::from_secs(self.global_limit_period.into());
                (u64::from(self.global_limit_amount_kbytes) * 1024, period)
            }),
            verbose: self.kafka_verbose,
            log_bytes: self.record_output_hexdump,
            properties: self.properties(environment)?,
        };
        if settings.queue_bytes < self.kafka_max_message_bytes as usize * 2 {
            return Err(format!(
                "--kafka-queue-kbytes={} is too little for two messages of --kafka-max-message-bytes={}",
                self.kafka_queue_kbytes, self.kafka_max_message_bytes
            ));
        }
        // Every property is looked at here; what the files in them hold only when a client is created.
        match settings.client_config(&[]).create_native_config() {
            Ok(_) => Ok(Some(settings)),
            Err(error) => Err(creation_error(&error)),
        }
    }

    fn rules(&self) -> Result<Rules, String> {
        let single_topic = Some(&self.kafka_single_topic).filter(|topic| !topic.is_empty());
        let allowed = |what: &str, most| {
            format!("must be {what} of letters, digits, '.', '_' and '-', {most} characters at most")
        };
        if let Some(topic) = single_topic
            && !is_legal(topic)
        {
            let allowed = allowed("the name of a topic:", LONGEST);
            return Err(format!("--kafka-single-topic={topic:?} {allowed}"));
        }
        // Leaves room for a framework's id.
        let most = LONGEST - 49;
        let prefix = &self.kafka_topic_prefix;
        if !is_legal(&format!("{prefix}x")) || prefix.len() > most {
            let allowed = allowed("made", most);
            return Err(format!("--kafka-topic-prefix={prefix:?} {allowed}"));
        }
        Ok(Rules {
            prefix: prefix.clone(),
            single_topic: single_topic.cloned(),
            max_topics: self.kafka_max_topics as usize,
            form: Form {
                layout: if self.kafka_metric_types {
                    Layout::Typed
                } else {
                    Layout::Old
                },
                message_bytes: self.kafka_max_message_bytes as usize,
            },
            records: self.kafka_produce_count as usize,
            bytes: self.kafka_produce_kbytes as usize * 1024,
            period: Duration::from_millis(self.kafka_produce_period_ms.into()),
            key: self.kafka_key,
            log_records: self.record_output_log,
        })
    }

    fn properties(
        &self,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<BTreeMap<String, String>, String> {
        let mut properties: BTreeMap<String, String> = [
            ("client.id", "dcos-stats-collector"),
            // As Java's clients choose partitions; random without a key.
            ("partitioner", "murmur2_random"),
            // Messages are batches already.
            ("linger.ms", "5"),
            // They are sent until they arrive or newer ones need their room.
            ("message.timeout.ms", "0"),
            // That brokers close idle connections is nothing to tell.
            ("log.connection.close", "false"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let mut set = |name: &str, value: String| {
            properties.insert(name.to_owned(), value);
        };
        let retry = self.kafka_flush_ms;
        set("reconnect.backoff.ms", retry.min(100).to_string());
        set("reconnect.backoff.max.ms", retry.to_string());
        set("statistics.interval.ms", retry.min(5000).to_string());
        set("message.max.bytes", self.kafka_max_message_bytes.to_string());
        set("enable.idempotence", self.kafka_require_all_acks.to_string());
        set(
            "acks",
            if self.kafka_require_all_acks { "all" } else { "1" }.to_owned(),
        );
        set("compression.type", choice(&self.compression()?));
        set("security.protocol", choice(&self.kafka_security_protocol));
        if self.kafka_verbose {
            set("debug", "broker,topic,msg,security".to_owned());
        }
        if self.kafka_certificate_file.is_some() != self.kafka_key_file.is_some() {
            return Err(
                "--kafka-certificate-file and --kafka-key-file are of no use without each other".to_owned(),
            );
        }
        for (name, file) in [
            ("ssl.ca.location", &self.kafka_ca_file),
            ("ssl.certificate.location", &self.kafka_certificate_file),
            ("ssl.key.location", &self.kafka_key_file),
        ] {
            if let Some(file) = file {
                // The client would not name it.
                fs::File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
                set(name, file.display().to_string());
            }
        }
        if let Some(user) = &self.kafka_username {
            let mechanism = self.kafka_sasl_mechanism.as_deref().unwrap_or("PLAIN");
            set("sasl.mechanism", mechanism.to_owned());
            set("sasl.username", user.clone());
            set("sasl.password", self.password()?);
        }
        let given = self.given(environment)?;
        let sasl = matches!(
            self.kafka_security_protocol,
            Protocol::SaslPlaintext | Protocol::SaslSsl
        );
        let protocol = choice(&self.kafka_security_protocol);
        if self.kafka_username.is_some() && !sasl && !given.contains_key("security.protocol") {
            return Err(format!(
                "--kafka-username is of no use with --kafka-security-protocol={protocol}; set sasl_ssl or sasl_plaintext"
            ));
        }
        if self.kafka_username.is_none() && sasl && !given.keys().any(|name| name.starts_with("sasl.")) {
            return Err(format!(
                "--kafka-security-protocol={protocol} needs --kafka-username and --kafka-password-file"
            ));
        }
        properties.extend(given);
        Ok(properties)
    }

    fn compression(&self) -> Result<Compression, String> {
        let old = self.kafka_compress_snappy.map(|snappy| {
            if snappy {
                Compression::Snappy
            } else {
                Compression::None
            }
        });
        match (self.kafka_compression, old) {
            (Some(new), Some(old)) if new != old => Err(format!(
                "--kafka-compress-snappy={} contradicts --kafka-compression={}; keep one",
                old == Compression::Snappy,
                choice(&new)
            )),
            (new, old) => Ok(new.or(old).unwrap_or(Compression::Snappy)),
        }
    }

    fn password(&self) -> Result<String, String> {
        match (&self.kafka_password, &self.kafka_password_file) {
            (Some(_), Some(_)) => {
                Err("--kafka-password and --kafka-password-file are two passwords; keep one".to_owned())
            }
            (Some(password), None) => Ok(password.reveal().to_owned()),
            (None, Some(file)) => {
                let text = fs::read_to_string(file)
                    .map_err(|error| format!("--kafka-password-file={}: {error}", file.display()))?;
                Ok(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => {
                Err("--kafka-username needs --kafka-password-file or --kafka-password".to_owned())
            }
        }
    }

    /// The properties of the environment and, which win, of the command line.
    fn given(
        &self,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<BTreeMap<String, String>, String> {
        let environment = environment.filter(|(_, value)| !value.is_empty());
        let mut given: BTreeMap<String, String> = environment
            .filter_map(|(variable, value)| {
                let name = variable.strip_prefix(OVERRIDE)?;
                Some((name.to_lowercase().replace('_', "."), value))
            })
            .collect();
        for property in self.kafka_property.iter().map(Secret::reveal) {
            match property.split_once('=') {
                Some((name, value)) if !name.is_empty() => given.insert(name.to_owned(), value.to_owned()),
                _ => {
                    return Err(
                        "--kafka-property must be NAME=VALUE, socket.timeout.ms=9000 for example".to_owned(),
                    );
                }
            };
        }
        match OURS.iter().find(|(name, _)| given.contains_key(*name)) {
            Some((name, instead)) => Err(format!("Kafka property {name} cannot be set: {instead}")),
            None => {
                let properties = given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                check_verification(properties, "--kafka-ca-file")?;
                Ok(given)
            }
        }
    }
}

impl Settings {
    /// The client's configuration for these brokers.
    pub(super) fn client_config(&self, brokers: &[String]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set_log_level(if self.verbose {
            RDKafkaLogLevel::Debug
        } else {
            RDKafkaLogLevel::Warning
        });
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config.set("bootstrap.servers", brokers.join(","));
        config
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("brokers", &self.brokers)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
