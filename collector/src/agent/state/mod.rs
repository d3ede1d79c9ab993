//! Who runs on the node, as the agent told it.

mod builder;
mod rest;
#[cfg(test)]
mod tests;
mod v1;

pub(super) use builder::container_path;
pub(super) use v1::id as v1_id;

use super::{AgentApi, BadData, LabelChoice, Skipped};
use stats_schema::{Tag, TagRef};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The tag of all records while nothing is known of the agent (`reference/metrics.md` 2.5), as key and value.
pub const NO_STATE: (&str, &str) = ("agent_id", "UNKNOWN_AGENT_STATE");

/// One answer of the agent: its id, its frameworks and what runs in which container.
#[derive(Debug, Default, PartialEq)]
pub struct AgentState {
    agent_id: String,
    hostname: String,
    frameworks: BTreeMap<String, Framework>,
    containers: HashMap<String, Container>,
}

#[derive(Debug, Default, PartialEq)]
struct Framework {
    /// None if the agent did not say.
    name: Option<String>,
    /// Names of applications by the ids of their executors, which are unique in their framework only.
    applications: HashMap<String, String>,
}

/// What runs in a container.
#[derive(Debug, PartialEq)]
pub(super) struct Container {
    pub(super) framework_id: Arc<str>,
    pub(super) executor_id: Arc<str>,
    /// None for the container of an executor with several tasks or none.
    task: Option<Arc<Task>>,
}

#[derive(Debug, PartialEq)]
struct Task {
    id: String,
    name: String,
    labels: Vec<Tag>,
}

impl AgentState {
    /// Reads an answer to `GET /state` or to the call `GET_STATE`.
    ///
    /// The latter does not say which agent it is from; an answer to `GET_AGENT` does, else the tasks do.
    ///
    /// # Errors
    ///
    /// When the answer as a whole cannot be used: it is no JSON of this shape, there is no agent id in it, or no list of
    /// frameworks. A fault of one framework, executor, task or label costs that one, and is counted.
    pub fn parse(
        api: AgentApi,
        answer: &str,
        agent_answer: Option<&str>,
        choice: &LabelChoice,
    ) -> Result<(Self, Skipped), BadData> {
        match api {
            AgentApi::Rest => rest::parse(answer, choice),
            AgentApi::V1 => v1::parse(answer, agent_answer.and_then(v1::agent), choice),
        }
    }

    /// The agent's id.
    #[must_use]
    pub fn agent_id(&self) -> &str {
        &self.agent_id
    }

    /// The node's name as the agent announces it; empty if it does not say.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// How many frameworks have something running here.
    #[must_use]
    pub fn frameworks(&self) -> usize {
        self.frameworks.len()
    }

    /// How many executors belong to an application.
    #[must_use]
    pub fn applications(&self) -> usize {
        self.frameworks
            .values()
            .map(|framework| framework.applications.len())
            .sum()
    }

    /// Whether anything is known of the container with this id, which is the last part of a nested container's.
    #[must_use]
    pub fn knows(&self, container_id: &str) -> bool {
        self.containers.contains_key(container_id)
    }

    /// The ids of all containers, each after those of its framework and its executor.
    pub(crate) fn containers(&self) -> impl Iterator<Item = [&str; 3]> {
        self.containers
            .iter()
            .map(|(id, container)| [&*container.framework_id, &*container.executor_id, id.as_str()])
    }

    pub(super) fn container(&self, container_id: &str) -> Option<&Container> {
        self.containers.get(container_id)
    }

    /// What is to be appended to the tags of a record, in this order:
    ///
    /// * `framework_name`, if there is a `framework_id`: `UNKNOWN_FRAMEWORK_ID` if the agent does not know it.
    /// * `application_name`, if the executor in `executor_id` belongs to one.
    /// * `agent_id`, even if the record has such a tag: up to here as in 2016 (`reference/metrics.md` 2.5).
    /// * `task_id`, `task_name`, `hostname` and the labels chosen of the task in `container_id`, each only if neither the
    ///   record nor this list has the key already.
    ///
    /// Of several tags with one key the first counts. What is empty is not appended.
    #[must_use]
    pub fn added_tags(&self, record_tags: &[TagRef<'_>]) -> Vec<Tag> {
        let value = |key| {
            let tag = record_tags.iter().find(|tag| tag.key == key)?;
            Some(tag.value).filter(|value| !value.is_empty())
        };
        let mut added = Added(Vec::with_capacity(6));
        let framework_id = value("framework_id");
        if let Some(id) = framework_id {
            let name = self
                .frameworks
                .get(id)
                .and_then(|framework| framework.name.as_deref());
            added.push("framework_name", name.unwrap_or("UNKNOWN_FRAMEWORK_ID"));
        }
        if let Some(executor_id) = value("executor_id") {
            let application = match framework_id {
                Some(id) => self
                    .frameworks
                    .get(id)
                    .and_then(|framework| framework.applications.get(executor_id)),
                None => self
                    .frameworks
                    .values()
                    .find_map(|framework| framework.applications.get(executor_id)),
            };
            added.push("application_name", application.map_or("", String::as_str));
        }
        added.push("agent_id", &self.agent_id);

        let task = value("container_id")
            .and_then(|id| self.containers.get(id))
            .and_then(|container| container.task.as_deref());
        if let Some(task) = task {
            added.push_new(record_tags, "task_id", &task.id);
            added.push_new(record_tags, "task_name", &task.name);
        }
        added.push_new(record_tags, "hostname", &self.hostname);
        for label in task.map_or(&[][..], |task| &task.labels) {
            added.push_new(record_tags, &label.key, &label.value);
        }
        added.0
    }
}

struct Added(Vec<Tag>);

impl Added {
    fn push(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.0.push(Tag {
                key: key.to_owned(),
                value: value.to_owned(),
            });
        }
    }

    fn push_new(&mut self, record_tags: &[TagRef<'_>], key: &str, value: &str) {
        if record_tags.iter().all(|tag| tag.key != key) && self.0.iter().all(|tag| tag.key != key) {
            self.push(key, value);
        }
    }
}
