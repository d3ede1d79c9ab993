//! Everything that the collector counts, for those who show it.

use crate::agent::AgentCounters;
use crate::sinks::Queue;
use crate::sinks::kafka;
use crate::telemetry::Input;
use std::sync::Arc;

/// The counters of all parts of one collector.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// What arrived.
    pub input: Arc<Input>,
    /// What became of it, for each sink.
    pub queues: Vec<Arc<Queue>>,
    /// What became of the questions to the agent; nothing was asked if it is not polled.
    pub agent: Arc<AgentCounters>,
    /// What Kafka's sink counts besides, if there is one.
    pub kafka: Option<Arc<kafka::Counters>>,
}

impl Counts {
    /// Those that the agent's poller and Kafka's sink have beside what every source and sink has. The same ones in the
    /// same order every time.
    pub fn sums(&self) -> impl Iterator<Item = Sum> {
        let kafka = self.kafka.iter().flat_map(|kafka| kafka.sums());
        self.agent.sums().into_iter().chain(kafka)
    }
}

/// One of them at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// As in `reference/metrics.md` 2.7, if it was there in 2016: `agent_poll.queries`.
    pub name: &'static str,
    /// What it counts, a sentence.
    pub help: &'static str,
    /// Since the start.
    pub value: u64,
}
