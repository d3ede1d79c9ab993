//! What became of the questions to the agent.

use crate::counts::Sum;
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
    /// All of them.
    #[must_use]
    pub fn sums(&self) -> [Sum; 10] {
        [
            (
                "agent_poll.ip_lookups",
                "Times the agent's address was looked up.",
                &self.ip_lookups,
            ),
            (
                "agent_poll.ip_lookup_failures",
                "Times the command for the agent's address failed.",
                &self.ip_lookup_failures,
            ),
            (
                "agent_poll.ip_lookup_empties",
                "Times the command for the agent's address printed nothing.",
                &self.ip_lookup_empties,
            ),
            ("agent_poll.queries", "Questions to the agent.", &self.queries),
            (
                "agent_poll.query_bad_data",
                "Answers of the agent that were not what was asked for.",
                &self.query_bad_data,
            ),
            (
                "agent_poll.query_failures",
                "Questions to the agent without an answer, or with an error as the answer.",
                &self.query_failures,
            ),
            (
                "agent_poll.metrics_values",
                "Numbers in the agent's answers that became datapoints.",
                &self.metrics_values,
            ),
            (
                "agent_poll.metrics_values_unsupported",
                "Values in the agent's answers that are no finite numbers.",
                &self.metrics_values_unsupported,
            ),
            (
                "agent_poll.entries_skipped",
                "Parts of the agent's answers left out because of a fault of their own.",
                &self.entries_skipped,
            ),
            (
                "agent_poll.refreshes",
                "Questions for the state between polls, because of an unknown container.",
                &self.refreshes,
            ),
        ]
        .map(|(name, help, counter)| Sum {
            name,
            help,
            value: counter.get(),
        })
    }

    /// Questions that told nothing: without an answer, or with one that could not be used.
    #[must_use]
    pub fn queries_in_vain(&self) -> u64 {
        self.query_failures.get() + self.query_bad_data.get()
    }
}
