//! Records by topic (`reference/metrics.md` 2.5): each topic's are collected until they make a message.

use super::counters::Counters;
use super::lists::{Form, Lists};
use super::message::{Message, Trigger};
use super::names::{kafka_topic, significant};
use super::options::Key;
use super::seldom::Seldom;
use crate::telemetry::{Output, Reason};
use log::{debug, info, warn};
use stats_schema::RecordRef;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The memory that all topics may take together before the largest is made a message, in bytes.
const MEMORY: usize = 8 << 20;

/// How long a topic is remembered without records.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Where records go when there are too many topics. They have their own topic inside.
const OVERFLOW: &str = "overflow";

/// How records become messages.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) prefix: String,
    /// If set, the only topic.
    pub(super) single_topic: Option<String>,
    pub(super) max_topics: usize,
    pub(super) form: Form,
    pub(super) records: usize,
    pub(super) bytes: usize,
    pub(super) period: Duration,
    pub(super) key: Key,
    pub(super) log_records: bool,
}

/// Records of all topics that are not in a message yet.
#[derive(Debug)]
pub(super) struct Sorter {
    rules: Rules,
    /// By what the records say, as far as it is [significant].
    topics: HashMap<Box<str>, Topic>,
    memory: usize,
    flush_at: Instant,
    counters: Arc<Counters>,
    overflows: Seldom,
    losses: Seldom,
}

#[derive(Debug)]
struct Topic {
    lists: Lists,
    /// At the end of which period nothing had come for it, if nothing has come since.
    idle_since: Option<Instant>,
}

impl Sorter {
    pub(super) fn new(rules: Rules, counters: Arc<Counters>) -> Self {
        Self {
            flush_at: Instant::now() + rules.period,
            rules,
            topics: HashMap::new(),
            memory: 0,
            counters,
            overflows: Seldom::default(),
            losses: Seldom::default(),
        }
    }

    /// Adds a record, and what became a message to `ready`.
    pub(super) fn push(&mut self, record: &RecordRef<'_>, ready: &mut Vec<Message>, output: &Output) {
        let mut name = match self.rules.single_topic {
            Some(_) => "",
            None => significant(record.topic),
        };
        if !self.topics.contains_key(name) {
            name = self.remember(name, record.topic);
        }
        let Some(Topic { lists, idle_since }) = self.topics.get_mut(name) else {
            return;
        };
        *idle_since = None;
        if self.rules.log_records {
            let json = serde_json::to_string(record).unwrap_or_default();
            info!("For Kafka topic '{}': {json}", lists.topic());
        }
        let before = lists.memory();
        let topic = Arc::clone(lists.topic());
        let key = match self.rules.key {
            Key::None => None,
            Key::Topic => Some(&*topic),
            Key::AgentId => {
                let tag = record.tags.iter().find(|tag| tag.key == "agent_id");
                tag.map(|tag| tag.value)
            }
        };
        let lost = lists.push(record, key, ready);
        if (lost.records, lost.datapoints) != (0, 0) {
            output
                .dropped(Reason::TooLarge)
                .add(lost.records, lost.datapoints);
            if let Some(hidden) = self.losses.now() {
                warn!(
                    "{} datapoints for Kafka topic '{}' are dropped, they or the tags of their record are too large for \
                     --kafka-max-message-bytes={}{hidden}",
                    lost.datapoints, topic, self.rules.form.message_bytes
                );
            }
        }
        if lists.records() >= self.rules.records {
            ready.extend(lists.take(Trigger::Records(self.rules.records)));
        } else if lists.bytes() >= self.rules.bytes {
            ready.extend(lists.take(Trigger::Bytes(self.rules.bytes)));
        }
        self.memory = self.memory - before + lists.memory();
        if self.memory > MEMORY {
            self.flush_largest(ready);
        }
    }

    /// Makes messages of everything if the period is over; says how long it goes on otherwise.
    pub(super) fn tick(&mut self, now: Instant, ready: &mut Vec<Message>) -> Duration {
        if now >= self.flush_at {
            let ms = self.rules.period.as_millis();
            let before = ready.len();
            self.flush_all(Trigger::PeriodMs(ms), ready);
            if ready.len() == before {
                debug!("No Kafka topics to flush after {ms} ms");
            }
            // Not from when it should have been: a late flush is not made up for.
            self.flush_at = now + self.rules.period;
            self.topics.retain(|_, topic| {
                let idle_since = *topic.idle_since.get_or_insert(now);
                now.saturating_duration_since(idle_since) < REMEMBERED
            });
        }
        self.flush_at.saturating_duration_since(now)
    }

    /// Makes messages of everything.
    pub(super) fn flush_all(&mut self, trigger: Trigger, ready: &mut Vec<Message>) {
        let topics = self.topics.values_mut();
        ready.extend(topics.filter_map(|topic| topic.lists.take(trigger)));
        self.memory = 0;
    }

    fn flush_largest(&mut self, ready: &mut Vec<Message>) {
        if let Some(largest) = self.topics.values_mut().max_by_key(|topic| topic.lists.memory()) {
            self.memory -= largest.lists.memory();
            ready.extend(largest.lists.take(Trigger::Memory));
        }
    }

    /// Makes room for the topic, or returns the one that takes its place.
    fn remember<'a>(&mut self, mut name: &'a str, topic: &str) -> &'a str {
        if self.topics.len() >= self.rules.max_topics {
            if let Some(hidden) = self.overflows.now() {
                warn!(
                    "More than --kafka-max-topics={} topics are in use: records of topic {name:?} go to '{}{OVERFLOW}'{hidden}",
                    self.rules.max_topics, self.rules.prefix
                );
            }
            self.counters.topics_overflowed.add(1);
            name = OVERFLOW;
            if self.topics.contains_key(name) {
                return name;
            }
        }
        let in_kafka = match &self.rules.single_topic {
            Some(single) => single.clone(),
            None => kafka_topic(&self.rules.prefix, name),
        };
        if self.rules.single_topic.is_none()
            && in_kafka != format!("{}{topic}", self.rules.prefix)
            && name != OVERFLOW
        {
            warn!(
                "Kafka does not allow the topic {:?}: it is called '{in_kafka}'",
                format!("{}{name}", self.rules.prefix)
            );
            self.counters.topics_renamed.add(1);
        }
        let topic = Topic {
            lists: Lists::new(in_kafka.into(), self.rules.form),
            idle_since: None,
        };
        self.topics.insert(name.into(), topic);
        name
    }
}

#[cfg(test)]
mod tests;
