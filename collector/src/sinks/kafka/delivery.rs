//! Messages on their way to Kafka: those that wait, those that the client has, and what becomes of them.
//!
//! The client gets only a few megabytes at a time. So what it has is soon written once Kafka is there, memory is bounded,
//! and what is dropped when there is no room is older than all that follows. It keeps copies; ours are sent again with a
//! new client if this one must be given up. Then a message may be there twice, but none is lost.

use super::client::{Client, News};
use super::counters::Counters;
use super::health::Health;
use super::message::Message;
use super::pending::Pending;
use super::search::{Discover, Search};
use super::seldom::Seldom;
use super::settings::{Brokers, Settings};
use crate::telemetry::{Output, Reason};
use log::{debug, warn};
use rdkafka::error::RDKafkaErrorCode as Code;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// What the client may have at a time, in bytes; one message in any case.
const WINDOW: usize = 4 << 20;

/// How often a message is sent again after errors that should pass, before it counts as lost. The client itself has tried
/// more often before each of them.
const MOST_FAILURES: u32 = 10;

/// How long all brokers must be away before the framework is asked again, in retry periods.
const LOST_AFTER: u32 = 3;

/// How long after an error messages are sent again at the latest.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often it is looked what the client has done.
const BUSY: Duration = Duration::from_millis(5);
const WAITING: Duration = Duration::from_millis(100);
const IDLE: Duration = Duration::from_millis(500);

pub(super) struct Delivery {
    settings: Settings,
    discover: Option<Discover>,
    counters: Arc<Counters>,
    pending: Pending,
    /// What the client has, by number.
    in_flight: BTreeMap<usize, Message>,
    in_flight_bytes: usize,
    next_number: usize,
    client: Option<Client>,
    brokers: Vec<String>,
    search: Option<Search>,
    health: Health,
    /// No client is created before.
    connect_at: Instant,
    /// Nothing is sent before.
    send_at: Instant,
    /// The framework is not asked before.
    search_at: Instant,
    refusals: Seldom,
    failures: Seldom,
}

impl Delivery {
    /// # Errors
    ///
    /// A client that cannot be created for brokers that are known already.
    pub(super) fn new(
        settings: Settings,
        discover: Option<Discover>,
        counters: Arc<Counters>,
    ) -> Result<Self, String> {
        let now = Instant::now();
        let mut health = Health::new(now, Arc::clone(&counters));
        let (brokers, client) = match &settings.brokers {
            Brokers::Fixed(brokers) => {
                let client = Client::new(&settings, brokers)?;
                health.connecting(now);
                (brokers.clone(), Some(client))
            }
            Brokers::Framework { framework, .. } => {
                // To learn now, and not when there are brokers, whether the client accepts everything.
                Client::new(&settings, &[])?;
                health.no_client(
                    format!("looking for the Kafka brokers of framework {framework}"),
                    now,
                );
                (Vec::new(), None)
            }
        };
        Ok(Self {
            pending: Pending::new(settings.queue_bytes),
            settings,
            discover,
            counters,
            in_flight: BTreeMap::new(),
            in_flight_bytes: 0,
            next_number: 0,
            client,
            brokers,
            search: None,
            health,
            connect_at: now,
            send_at: now,
            search_at: now,
            refusals: Seldom::default(),
            failures: Seldom::default(),
        })
    }

    /// Adds a message after all others.
    pub(super) fn push(&mut self, message: Message, output: &Output) {
        self.pending.push(self.next_number, message, output);
        self.next_number += 1;
    }

    /// Does what can be done now; says how long there is nothing else to do.
    pub(super) fn advance(&mut self, output: &Output) -> Duration {
        let now = Instant::now();
        self.search(now, output);
        if let Some(client) = &self.client {
            let news = client.news();
            self.health.learn(&news, &self.brokers, now);
            let fatal = news.fatal.clone();
            let again = self.settle(news, output);
            if !again.is_empty() {
                self.pending.put_back(again.into_iter(), output);
                self.send_at = now + self.settings.retry.min(LONGEST_PAUSE);
            }
            if let Some(reason) = fatal {
                if let Some(hidden) = self.failures.now() {
                    warn!("The Kafka client cannot go on and is replaced: {reason}{hidden}");
                }
                self.give_up(output);
                self.connect_at = now + self.settings.retry.min(LONGEST_PAUSE);
            }
        }
        self.connect(now);
        self.send(now, output);
        let waiting = self.in_flight_bytes + self.pending.bytes();
        self.health.tell(waiting, &self.brokers, now, output);
        if self.client.is_none() || self.health.down(now).is_some() {
            WAITING
        } else if waiting > 0 {
            BUSY
        } else {
            IDLE
        }
    }

    /// Goes on until everything is written or it is time to end; counts the rest as dropped.
    pub(super) fn finish(&mut self, deadline: Instant, output: &Output) {
        let left = deadline.saturating_duration_since(Instant::now());
        // Giving up takes time too, and the sums must agree before anybody adds them up.
        let until = Instant::now() + left * 4 / 5;
        loop {
            self.advance(output);
            if self.in_flight.is_empty() && self.pending.first().is_none() || Instant::now() >= until {
                break;
            }
            // The client has no event that one could wait for without missing the others.
            thread::sleep(BUSY);
        }
        self.give_up(output);
        while let Some((_, message)) = self.pending.pop() {
            drop_message(&message, Reason::Shutdown, output);
        }
    }

    /// Starts looking for brokers when there are none or none can be reached, and takes in what was found.
    fn search(&mut self, now: Instant, output: &Output) {
        let Some(discover) = &self.discover else {
            return;
        };
        let retry = self.settings.retry;
        match self.search.as_ref().map(Search::answer) {
            None => {
                let lost = self
                    .health
                    .down(now)
                    .is_some_and(|down| down >= retry * LOST_AFTER);
                if (self.brokers.is_empty() || lost) && now >= self.search_at {
                    self.search_at = now + retry;
                    match Search::start(Arc::clone(discover), retry, Arc::clone(&self.counters)) {
                        Ok(search) => self.search = Some(search),
                        Err(error) => warn!("Cannot start a thread to look for Kafka brokers: {error}"),
                    }
                }
            }
            Some(None) => {}
            Some(Some(Err(error))) => {
                if self.client.is_none() {
                    self.health.no_client(error, now);
                }
            }
            Some(Some(Ok(mut found))) => {
                found.sort_unstable();
                self.search = None;
                self.search_at = now + retry * LOST_AFTER;
                if found != self.brokers {
                    self.give_up(output);
                    self.brokers = found;
                }
            }
        }
    }

    fn connect(&mut self, now: Instant) {
        if self.client.is_some() || self.brokers.is_empty() || now < self.connect_at {
            return;
        }
        match Client::new(&self.settings, &self.brokers) {
            Ok(client) => {
                self.client = Some(client);
                self.health.connecting(now);
            }
            Err(error) => {
                self.counters.connection_failures.add(1);
                if let Some(hidden) = self.failures.now() {
                    warn!("{error}{hidden}");
                }
                self.health.no_client(error, now);
                self.connect_at = now + self.settings.retry;
            }
        }
    }

    /// Hands over as much as the client may have.
    fn send(&mut self, now: Instant, output: &Output) {
        let Some(client) = &self.client else { return };
        if self.in_flight.is_empty() {
            self.health.sending(now);
        }
        while now >= self.send_at
            && let Some((number, message)) = self.pending.first()
            && (self.in_flight.is_empty() || self.in_flight_bytes + message.bytes() <= WINDOW)
        {
            let result = client.send(*number, message);
            if result == Err(Code::QueueFull) {
                return;
            }
            let Some((number, message)) = self.pending.pop() else {
                return;
            };
            match result {
                Ok(()) => {
                    self.in_flight_bytes += message.bytes();
                    self.in_flight.insert(number, message);
                }
                Err(code) => {
                    if let Some(message) = after_error(message, code, &mut self.refusals, output) {
                        self.pending.put_back([(number, message)].into_iter(), output);
                        self.send_at = now + self.settings.retry.min(LONGEST_PAUSE);
                    }
                }
            }
        }
    }

    /// Counts what was written and what is lost; returns what has to be sent again, in order.
    fn settle(&mut self, news: News, output: &Output) -> Vec<(usize, Message)> {
        let mut again = Vec::new();
        for (number, error) in news.reports {
            let Some(message) = self.in_flight.remove(&number) else {
                continue;
            };
            self.in_flight_bytes -= message.bytes();
            match error {
                None => {
                    output.written.add(message.records, message.datapoints);
                    output.bytes_written.add(message.file.len() as u64);
                    self.counters.messages_sent.add(1);
                }
                Some(code) => {
                    again.extend(
                        after_error(message, code, &mut self.refusals, output)
                            .map(|message| (number, message)),
                    );
                }
            }
        }
        again.sort_unstable_by_key(|(number, _)| *number);
        again
    }

    /// Takes back everything that the client has.
    fn give_up(&mut self, output: &Output) {
        let Some(client) = self.client.take() else { return };
        let again = self.settle(client.give_up(), output);
        self.in_flight.extend(again);
        self.in_flight_bytes = 0;
        let again = std::mem::take(&mut self.in_flight);
        self.pending.put_back(again.into_iter(), output);
    }
}

/// Returns the message if it has to be sent again after this error.
fn after_error(mut message: Message, code: Code, refusals: &mut Seldom, output: &Output) -> Option<Message> {
    let reason = match code {
        // It was not tried, or not for long enough.
        Code::PurgeQueue | Code::PurgeInflight | Code::MessageTimedOut | Code::Fatal => {
            return Some(message);
        }
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => Reason::TooLarge,
        Code::InvalidTopic
        | Code::UnknownTopic
        | Code::UnknownTopicOrPartition
        | Code::UnknownPartition
        | Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::PolicyViolation
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::InvalidArgument
        | Code::UnsupportedCompressionType
        | Code::UnsupportedForMessageFormat
        | Code::UnsupportedFeature => Reason::Refused,
        _ => {
            message.failures += 1;
            if message.failures < MOST_FAILURES {
                debug!("Kafka topic '{}': {code}; sending again", message.topic);
                return Some(message);
            }
            Reason::WriteFailed
        }
    };
    if let Some(hidden) = refusals.now() {
        warn!(
            "Kafka does not take a message of {} MetricLists ({} bytes) for topic '{}', it is dropped: {code}{hidden}",
            message.records,
            message.file.len(),
            message.topic
        );
    }
    drop_message(&message, reason, output);
    None
}

fn drop_message(message: &Message, reason: Reason, output: &Output) {
    output.dropped(reason).add(message.records, message.datapoints);
}
