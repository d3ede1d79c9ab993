//! What became of the questions to the agent.

use crate::telemetry::Counter;

/// The names of the fields are those of `agent_poll.*` (`reference/metrics.md` 2.7); the last two are new.
#[derive(Debug, Default)]
pub struct AgentCounters {
    /// Times the command for the agent's address was run, or would have been if there were one.
    pub ip_lookups: Counter,
    /// Times it failed.
    pub ip_lookup_failures: Counter,
    /// Times it printed nothing.
    pub ip_lookup_empties: Counter,
    /// Questions asked.
    pub queries: Counter,
    /// Answers that were not what was asked for.
    pub query_bad_data: Counter,
    /// Questions without an answer, or with an error as the answer.
    pub query_failures: Counter,
    /// Numbers that went out as datapoints.
    pub metrics_values: Counter,
    /// Values that are no finite numbers.
    pub metrics_values_unsupported: Counter,
    /// Frameworks, executors, tasks, labels and containers left out because of a fault of their own.
    pub entries_skipped: Counter,
    /// Questions for the state between polls, because of an unknown container.
    pub refreshes: Counter,
}

impl AgentCounters {
    /// All sums so far, by their names.
    pub fn samples(&self) -> impl Iterator<Item = (String, u64)> {
        [
            ("ip_lookups", &self.ip_lookups),
            ("ip_lookup_failures", &self.ip_lookup_failures),
            ("ip_lookup_empties", &self.ip_lookup_empties),
            ("queries", &self.queries),
            ("query_bad_data", &self.query_bad_data),
            ("query_failures", &self.query_failures),
            ("metrics_values", &self.metrics_values),
            ("metrics_values_unsupported", &self.metrics_values_unsupported),
            ("entries_skipped", &self.entries_skipped),
            ("refreshes", &self.refreshes),
        ]
        .into_iter()
        .map(|(name, counter)| (format!("agent_poll.{name}"), counter.get()))
    }
}
