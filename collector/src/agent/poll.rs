//! One poll: state, then the agent's metrics, then those of the containers. What fails does not keep the others from
//! being asked (`reference/metrics.md` 2.4).

use super::error::QueryError;
use super::questions::Questions;
use super::{AgentState, Measured, Skipped};
use crate::complaints::Complaints;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is known from poll to poll, and where answers go.
pub(super) struct Poll<L, S> {
    questions: Questions,
    lists: L,
    states: S,
    state: Option<Arc<AgentState>>,
    /// What the log last said of the state.
    summary: String,
    about_state: About,
    about_metrics: About,
    about_containers: About,
}

/// What is wrong with the answers to one question.
struct About {
    answer: Complaints,
    entries: Complaints,
}

impl About {
    fn new(answer: &'static str, entries: &'static str) -> Self {
        Self {
            answer: Complaints::new(answer),
            entries: Complaints::new(entries),
        }
    }

    fn failed(&mut self, error: &QueryError) {
        self.answer.problem(error.to_string());
    }

    fn worked(&mut self, skipped: Skipped) {
        self.answer.none();
        match skipped.first {
            Some(reason) => self.entries.problem(format!("left out: {reason}")),
            None => self.entries.none(),
        };
    }
}

impl<L, S> Poll<L, S>
where
    L: Fn(Vec<stats_schema::MetricList>) -> bool,
    S: Fn(Arc<AgentState>),
{
    pub(super) fn new(questions: Questions, lists: L, states: S) -> Self {
        Self {
            questions,
            lists,
            states,
            state: None,
            summary: String::new(),
            about_state: About::new("Agent state", "Parts of the agent state"),
            about_metrics: About::new("Agent metrics", "Parts of the agent metrics"),
            about_containers: About::new("Container metrics", "Parts of the container metrics"),
        }
    }

    /// Asks for the state. After a failure the last one stays, as in 2016.
    pub(super) fn state(&mut self) {
        self.questions.begin_poll();
        match self.questions.state() {
            Ok((state, skipped)) => {
                self.about_state.worked(skipped);
                self.announce(&state);
                let state = Arc::new(state);
                (self.states)(Arc::clone(&state));
                self.state = Some(state);
            }
            Err(error) => self.about_state.failed(&error),
        }
    }

    /// Asks for the agent's own metrics. Breaks when nobody takes them any more.
    pub(super) fn metrics(&mut self) -> ControlFlow<()> {
        let result = self.questions.metrics();
        hand_on(&self.lists, &mut self.about_metrics, result)
    }

    /// Asks for the metrics of the containers. Breaks when nobody takes them any more.
    pub(super) fn containers(&mut self) -> ControlFlow<()> {
        let result = self.questions.containers(self.state.as_deref());
        hand_on(&self.lists, &mut self.about_containers, result)
    }

    /// Says in the log what operators look for (`reference/metrics.md` 2.5), when it is not what was last said.
    fn announce(&mut self, state: &AgentState) {
        let summary = format!(
            "id={}, frameworks({}), applications({})",
            state.agent_id(),
            state.frameworks(),
            state.applications()
        );
        if summary != self.summary {
            log::info!("Agent state updated: {summary}");
            self.summary = summary;
        }
    }
}

fn hand_on(
    lists: &impl Fn(Vec<stats_schema::MetricList>) -> bool,
    about: &mut About,
    result: Result<Measured, QueryError>,
) -> ControlFlow<()> {
    match result {
        Ok(measured) => {
            about.worked(measured.skipped);
            if !measured.lists.is_empty() && !lists(measured.lists) {
                return ControlFlow::Break(());
            }
        }
        Err(error) => about.failed(&error),
    }
    ControlFlow::Continue(())
}
