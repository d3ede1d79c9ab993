//! The Kafka client: where its brokers are, its properties, its subscription, and what happens when partitions come and go.

use clap::Args;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use stats_kafka::{Discovery, Framework, check_verification, creation_error};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The property that says where brokers are, and its other name.
pub(crate) const BROKERS: &str = "bootstrap.servers";
const BROKERS_TOO: &str = "metadata.broker.list";

/// Environment variables that begin so are properties of the client.
const OVERRIDE: &str = "KAFKA_OVERRIDE_";

/// Where messages come from.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Kafka")]
pub(crate) struct KafkaOptions {
    /// The DC/OS framework whose brokers to read from: the SRV record _NAME._tcp.marathon.mesos leads to its scheduler, which
    /// names them. Tried until there is an answer; unused if the Kafka client is given bootstrap.servers
    #[arg(long, env, value_name = "NAME", default_value = "kafka", global = true)]
    kafka_framework_name: Framework,

    /// The name server to ask for the framework, instead of the system's; the brokers' names are always the system's to resolve
    #[arg(long, env, value_name = "IP:PORT", global = true)]
    kafka_name_server: Option<SocketAddr>,

    /// How long all brokers of the framework must have been out of reach before it is asked again where they are, in
    /// milliseconds
    #[arg(long, env, value_name = "MS", default_value_t = 30_000, global = true,
          value_parser = clap::value_parser!(u32).range(100..=3_600_000))]
    kafka_rediscovery_ms: u32,

    /// A property of the Kafka client, for instance bootstrap.servers=b1:9092,b2:9092, with which no framework is looked for.
    /// May be given again. KAFKA_OVERRIDE_BOOTSTRAP_SERVERS in the environment does the same, and so do all variables with that
    /// beginning: in small letters and with a dot for each _, the rest of their name is the property. With
    /// security.protocol=ssl or sasl_ssl the broker's certificate and name are always verified; ssl.ca.location names the file
    /// with the authorities, if they are not the system's
    #[arg(long = "kafka-override", value_name = "PROPERTY=VALUE", global = true, value_parser = property)]
    overrides: Vec<(String, String)>,

    /// Names of the topics, separated by commas; instead of a pattern
    #[arg(long, env, value_name = "TOPIC", value_delimiter = ',', global = true)]
    kafka_topics: Vec<String>,

    /// Topics whose whole name matches this POSIX extended regular expression
    #[arg(long, env, value_name = "REGEX", default_value = "metrics-.*", global = true)]
    kafka_topic_pattern: String,

    /// How often new topics are looked for, in milliseconds
    #[arg(long, env, value_name = "MS", default_value_t = 60_000, global = true,
          value_parser = clap::value_parser!(u32).range(10..=3_600_000))]
    kafka_topic_poll_period_ms: u32,
}

fn property(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a property is written NAME=VALUE".to_owned()),
    }
}

impl KafkaOptions {
    /// The client's properties: our defaults, those of the environment, those of the command line. `group` is the group's
    /// name if nobody says otherwise. Without bootstrap.servers, the brokers have to be discovered.
    ///
    /// # Errors
    ///
    /// A property that the client does not know, that this program decides on, or that would leave brokers unverified.
    pub(crate) fn client_config(
        &self,
        group: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<ClientConfig, String> {
        let mut properties = BTreeMap::from([
            ("group.id".to_owned(), group.to_owned()),
            ("client.id".to_owned(), "dcos-stats-consumer".to_owned()),
            // A topic comes into being with its first message, which a consumer that begins at the end would miss.
            ("auto.offset.reset".to_owned(), "earliest".to_owned()),
            // Bounds what lies in memory while the backend is slow; the client's own default is 64 MiB.
            ("queued.max.messages.kbytes".to_owned(), "16384".to_owned()),
            (
                "topic.metadata.refresh.interval.ms".to_owned(),
                self.kafka_topic_poll_period_ms.to_string(),
            ),
        ]);
        let environment = environment.filter(|(_, value)| !value.is_empty());
        properties.extend(environment.filter_map(|(variable, value)| {
            let name = variable.strip_prefix(OVERRIDE)?;
            Some((name.to_lowercase().replace('_', "."), value))
        }));
        properties.extend(self.overrides.iter().cloned());
        for (name, reason) in [
            (
                "enable.auto.commit",
                "offsets are committed in the background once they are stored",
            ),
            (
                "enable.auto.offset.store",
                "an offset is stored when the backend has taken the message",
            ),
        ] {
            if properties.contains_key(name) {
                return Err(format!("Kafka property {name} cannot be set: {reason}"));
            }
        }
        let given = properties
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        check_verification(given, "--kafka-override=ssl.ca.location=FILE")?;
        let mut config = ClientConfig::new();
        config
            .set("enable.auto.commit", "true")
            .set("enable.auto.offset.store", "false")
            .set_log_level(RDKafkaLogLevel::Warning);
        for (name, value) in properties {
            config.set(name, value);
        }
        // Discovery may take long; what is wrong regardless is said before it.
        config
            .create_native_config()
            .map_err(|error| creation_error(&error))?;
        Ok(config)
    }

    /// Discovers the brokers, or None once `stopping`.
    pub(crate) fn await_brokers(&self, stopping: impl Fn() -> bool) -> Option<Vec<String>> {
        let discovery = Discovery {
            name_server: self.kafka_name_server,
            ..Discovery::default()
        };
        stats_kafka::await_brokers(&self.kafka_framework_name, &discovery, stopping)
    }

    /// How long all brokers must have been out of reach before they are looked for again.
    pub(crate) fn rediscovery_time(&self) -> Duration {
        Duration::from_millis(self.kafka_rediscovery_ms.into())
    }

    /// Creates a consumer and subscribes to the topics.
    ///
    /// # Errors
    ///
    /// A property or pattern that the client does not accept. Whether there is a broker only shows later.
    pub(crate) fn subscribe(&self, config: &ClientConfig) -> Result<Partitions, String> {
        let consumer: Partitions = config
            .create_with_context(Hold::default())
            .map_err(|error| creation_error(&error))?;
        let pattern = format!("^({})$", self.kafka_topic_pattern);
        let topics: Vec<&str> = match &self.kafka_topics[..] {
            [] => vec![&pattern],
            names => names.iter().map(String::as_str).collect(),
        };
        consumer
            .subscribe(&topics)
            .map_err(|error| format!("cannot subscribe to {}: {error}", topics.join(", ")))?;
        Ok(consumer)
    }

    /// The topics, for people.
    pub(crate) fn topics(&self) -> String {
        match &self.kafka_topics[..] {
            [] => format!("topics that match {}", self.kafka_topic_pattern),
            names => format!("topics {}", names.join(", ")),
        }
    }
}

/// Where the client finds the brokers; None if they have to be discovered.
pub(crate) fn given_brokers(config: &ClientConfig) -> Option<&str> {
    config.get(BROKERS).or_else(|| config.get(BROKERS_TOO))
}

/// A consumer and the partitions it has been given.
pub(crate) type Partitions = BaseConsumer<Hold>;

/// Whether messages should come at the moment.
#[derive(Debug, Default)]
pub(crate) struct Hold(AtomicBool);

impl ClientContext for Hold {
    /// Who polls is told as well, and decides what to log.
    fn error(&self, _error: KafkaError, _reason: &str) {}
}

impl ConsumerContext for Hold {
    /// Partitions that are assigned while the others are paused are paused before their first message comes.
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => {
                log::info!("assigned {} partitions", partitions.count());
                if self.0.load(Ordering::Relaxed)
                    && let Err(error) = consumer.pause(partitions)
                {
                    log::warn!("cannot pause partitions: {error}");
                }
            }
            Rebalance::Revoke(partitions) => log::info!("gave up {} partitions", partitions.count()),
            Rebalance::Error(error) => log::warn!("rebalance: {error}"),
        }
    }
}

/// Stops messages from coming.
pub(crate) fn pause(consumer: &Partitions) {
    consumer.context().0.store(true, Ordering::Relaxed);
    if let Err(error) = consumer
        .assignment()
        .and_then(|partitions| consumer.pause(&partitions))
    {
        log::warn!("cannot pause partitions: {error}");
    }
}

/// Lets messages come again.
pub(crate) fn resume(consumer: &Partitions) {
    consumer.context().0.store(false, Ordering::Relaxed);
    if let Err(error) = consumer
        .assignment()
        .and_then(|partitions| consumer.resume(&partitions))
    {
        log::warn!("cannot resume partitions: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        kafka: KafkaOptions,
    }

    fn config(arguments: &[&str], environment: &[(&str, &str)]) -> Result<ClientConfig, String> {
        let arguments = std::iter::once("x").chain(arguments.iter().copied());
        Command::parse_from(arguments).kafka.client_config(
            "group",
            environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn properties_from_everywhere() {
        let config = config(
            &[
                "--kafka-override",
                "client.id=a=b",
                "--kafka-override=bootstrap.servers=cli:1",
            ],
            &[
                ("KAFKA_OVERRIDE_BOOTSTRAP_SERVERS", "env:1"),
                ("KAFKA_OVERRIDE_GROUP_ID", "mine"),
                ("KAFKA_OVERRIDE_AUTO_OFFSET_RESET", ""),
                ("KAFKA_TOPICS", "x"),
            ],
        )
        .unwrap();
        assert_eq!(config.get("bootstrap.servers"), Some("cli:1"));
        assert_eq!(config.get("group.id"), Some("mine"));
        assert_eq!(config.get("client.id"), Some("a=b"));
        assert_eq!(config.get("auto.offset.reset"), Some("earliest"));
        assert_eq!(config.get("enable.auto.offset.store"), Some("false"));
    }

    #[test]
    fn brokers_are_given_or_discovered() {
        for (environment, expected) in [
            (&[][..], None),
            (&[("KAFKA_OVERRIDE_BOOTSTRAP_SERVERS", "")], None),
            (&[("KAFKA_OVERRIDE_BOOTSTRAP_SERVERS", "b:1")], Some("b:1")),
            (&[("KAFKA_OVERRIDE_METADATA_BROKER_LIST", "b:1")], Some("b:1")),
        ] {
            let config = config(&[], environment).unwrap();
            assert_eq!(given_brokers(&config), expected, "{environment:?}");
        }
    }

    #[test]
    fn properties_that_are_refused() {
        for (arguments, environment, parts) in [
            (
                &[][..],
                &[("KAFKA_OVERRIDE_ENABLE_AUTO_COMMIT", "true")][..],
                ["enable.auto.commit", "committed"],
            ),
            (
                &["--kafka-override=enable.auto.offset.store=true"],
                &[],
                ["enable.auto.offset.store", "stored"],
            ),
            (
                &[],
                &[("KAFKA_OVERRIDE_ENABLE_SSL_CERTIFICATE_VERIFICATION", "False")],
                [
                    "enable.ssl.certificate.verification=False",
                    "ssl.ca.location=FILE",
                ],
            ),
            (
                &["--kafka-override=enable.ssl.certificate.verification=f"],
                &[("KAFKA_OVERRIDE_ENABLE_SSL_CERTIFICATE_VERIFICATION", "true")],
                ["enable.ssl.certificate.verification=f", "only true is allowed"],
            ),
            (
                &["--kafka-override=ssl.endpoint.identification.algorithm=none"],
                &[],
                [
                    "ssl.endpoint.identification.algorithm=none",
                    "only https is allowed",
                ],
            ),
        ] {
            let error = config(arguments, environment).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
    }

    #[test]
    fn an_unknown_property_is_named_but_its_value_is_not() {
        let error = config(&["--kafka-override=no.such.property=hush"], &[]).unwrap_err();
        assert!(
            error.contains("no.such.property") && !error.contains("hush"),
            "{error}"
        );
    }

    #[test]
    fn a_pattern_that_is_none() {
        let command = Command::parse_from(["x", "--kafka-topic-pattern=("]);
        let config = config(&["--kafka-override=bootstrap.servers=127.0.0.1:1"], &[]).unwrap();
        let error = command.kafka.subscribe(&config).err().unwrap();
        assert!(error.contains("^(()$"), "{error}");
    }
}
