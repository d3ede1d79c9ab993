//! The Kafka client, and what it tells.

use super::message::Message;
use super::settings::Settings;
use log::{debug, info};
use rdkafka::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, NoCustomPartitioner, Producer, ProducerContext, PurgeConfig,
};
use rdkafka::statistics::Statistics;
use stats_kafka::creation_error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long the reports of a client that is given up are waited for.
const LAST_REPORTS: Duration = Duration::from_millis(200);

/// A client for some brokers.
pub(super) struct Client {
    producer: BaseProducer<Reports>,
}

/// What happened since the last time.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Numbers of messages whose fate is known, and what went wrong, if so.
    pub(super) reports: Vec<(usize, Option<RDKafkaErrorCode>)>,
    /// Whether there is a broker that can be reached, if that was found out.
    pub(super) reachable: Option<bool>,
    /// The last problem with a connection.
    pub(super) problem: Option<String>,
    /// Why this client sends nothing any more.
    pub(super) fatal: Option<String>,
}

impl Client {
    /// A client for `brokers`. Whether they are there only shows later.
    ///
    /// # Errors
    ///
    /// A property, or a file named by one, that the client does not accept.
    pub(super) fn new(settings: &Settings, brokers: &[String]) -> Result<Self, String> {
        let reports = Reports {
            news: Mutex::default(),
            verbose: settings.verbose,
        };
        let producer = BaseProducer::from_config_and_context(&settings.client_config(brokers), reports)
            .map_err(|error| creation_error(&error))?;
        Ok(Self { producer })
    }

    /// Connects and asks what brokers and topics there are: how many of each, as text.
    ///
    /// # Errors
    ///
    /// The last problem with a connection if there was one, or what the client says.
    pub(super) fn ask(&self, patience: Duration) -> Result<String, String> {
        match self.producer.client().fetch_metadata(None, patience) {
            Ok(metadata) => Ok(format!(
                "brokers: {}, topics: {}",
                metadata.brokers().len(),
                metadata.topics().len()
            )),
            Err(error) => {
                let news = self.news();
                Err(news.fatal.or(news.problem).unwrap_or_else(|| error.to_string()))
            }
        }
    }

    /// Hands over a message.
    ///
    /// # Errors
    ///
    /// What the client has against it, at once.
    pub(super) fn send(&self, number: usize, message: &Message) -> Result<(), RDKafkaErrorCode> {
        let mut record = BaseRecord::with_opaque_to(&message.topic, number).payload(&message.file);
        record.key = message.key.as_deref();
        match self.producer.send(record) {
            Ok(()) => Ok(()),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)),
        }
    }

    /// What happened meanwhile. Waits for nothing.
    pub(super) fn news(&self) -> News {
        loop {
            let before = self.lock().reports.len();
            // One event: the reports of some messages, an error, or statistics.
            self.producer.poll(Duration::ZERO);
            let mut news = self.lock();
            if news.reports.len() == before {
                // The event of it says nothing but the error that led to it.
                news.fatal = self.producer.client().fatal_error().map(|(_, reason)| reason);
                return std::mem::take(&mut news);
            }
        }
    }

    /// Gives everything up that was handed over; reports that it was already written may still come.
    pub(super) fn give_up(self) -> News {
        self.producer.purge(PurgeConfig::default().queue().inflight());
        // What has not come by then is sent again.
        let _ = self.producer.flush(LAST_REPORTS);
        let news = self.news();
        // The end of a client waits for its threads, of which one may be asking for a name. Without a thread it ends here.
        let _ = thread::Builder::new()
            .name("kafka-end".to_owned())
            .spawn(move || drop(self));
        news
    }

    fn lock(&self) -> MutexGuard<'_, News> {
        self.producer.context().lock()
    }
}

/// Notes what the client tells.
struct Reports {
    news: Mutex<News>,
    verbose: bool,
}

impl Reports {
    fn lock(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Reports {
    /// The client repeats itself as long as a broker is away; the sink says once what matters.
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, text: &str) {
        if self.verbose {
            info!("Kafka client: {facility} {text}");
        } else {
            debug!("Kafka client: {facility} {text}");
        }
    }

    fn stats(&self, statistics: Statistics) {
        if statistics.brokers.values().any(|broker| broker.state == "UP") {
            self.lock().reachable = Some(true);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!("Kafka client: {error}: {reason}");
        let mut news = self.lock();
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => news.reachable = Some(false),
            _ => news.problem = Some(reason.to_owned()),
        }
    }
}

impl ProducerContext<NoCustomPartitioner> for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let error = match result {
            Ok(_) => None,
            Err((error, _)) => Some(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)),
        };
        self.lock().reports.push((number, error));
    }
}
