//! Puts a state together from what the two interfaces of the agent say in different shapes.

use super::{AgentState, Container, Framework, Task};
use crate::agent::labels::{LabelChoice, application};
use crate::agent::skipped::Skipped;
use crate::agent::{MAX_ENTRIES, json};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The deepest nesting of containers that is followed; Mesos itself allows 32.
const MAX_NESTING: usize = 32;

pub(super) struct Builder<'a> {
    choice: &'a LabelChoice,
    frameworks: BTreeMap<String, FrameworkDraft>,
    nested: HashMap<String, Claim>,
    room: usize,
    pub(super) skipped: Skipped,
}

#[derive(Default)]
struct FrameworkDraft {
    name: Option<String>,
    executors: HashMap<String, ExecutorDraft>,
}

#[derive(Default)]
struct ExecutorDraft {
    application: Option<String>,
    container_id: Option<String>,
    tasks: Tasks,
    past_tasks: Tasks,
}

/// How many tasks there are, and the last one.
#[derive(Default)]
struct Tasks {
    count: usize,
    last: Option<Arc<Task>>,
}

impl Tasks {
    fn only(self) -> Option<Arc<Task>> {
        self.last.filter(|_| self.count == 1)
    }
}

/// A task says that it runs in a container of its own.
struct Claim {
    /// Seconds since the Unix epoch, of the newest status that says so.
    timestamp: f64,
    container: Container,
}

/// A task as both interfaces describe it.
#[derive(Clone, Copy)]
pub(super) struct TaskFields<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) labels: Option<&'a RawValue>,
    pub(super) statuses: Option<&'a RawValue>,
    /// What it sent last may still be on its way.
    pub(super) is_over: bool,
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    container_status: Option<&'a RawValue>,
}

/// Part of a status, and of an entry of `/containers`.
#[derive(Deserialize)]
struct ContainerStatus<'a> {
    #[serde(borrow)]
    container_id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct NestedId<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    parent: Option<&'a RawValue>,
}

/// The ids in a container status: the container's own, then those of the containers it is nested in, innermost first.
pub(in crate::agent) fn container_path(status: Option<&RawValue>) -> Vec<Cow<'_, str>> {
    let mut path = Vec::new();
    let mut id = status
        .and_then(json::object::<ContainerStatus>)
        .and_then(|status| status.container_id);
    while let Some(nested) = id.and_then(json::object::<NestedId>) {
        let Some(value) = json::text(nested.value).filter(|value| !value.is_empty()) else {
            break;
        };
        path.push(value);
        id = nested.parent.filter(|_| path.len() < MAX_NESTING);
    }
    path
}

impl<'a> Builder<'a> {
    pub(super) fn new(choice: &'a LabelChoice) -> Self {
        Self {
            choice,
            frameworks: BTreeMap::new(),
            nested: HashMap::new(),
            room: MAX_ENTRIES,
            skipped: Skipped::default(),
        }
    }

    pub(super) fn framework(&mut self, id: &str, name: Option<&str>) {
        if !self.take_room() {
            return;
        }
        if name.is_none() {
            self.skipped.add(|| format!("the framework {id:?} has no name"));
        }
        self.frameworks.entry(id.to_owned()).or_default().name = name.map(str::to_owned);
    }

    pub(super) fn executor(
        &mut self,
        framework: &str,
        id: &str,
        container: Option<&str>,
        labels: Option<&RawValue>,
    ) {
        if !self.take_room() {
            return;
        }
        let application = application(labels, &mut self.skipped);
        let executor = self.draft(framework, id);
        executor.application = application;
        executor.container_id = container.filter(|id| !id.is_empty()).map(str::to_owned);
    }

    /// Takes a task of an executor, which is described before its tasks.
    pub(super) fn task(&mut self, framework: &str, executor_id: &str, fields: TaskFields<'_>) {
        if !self.take_room() {
            return;
        }
        let task = Arc::new(Task {
            id: fields.id.to_owned(),
            name: fields.name.to_owned(),
            labels: self.choice.tags(fields.labels, &mut self.skipped),
        });
        // What is wrong with the labels has just been counted.
        let application = application(fields.labels, &mut Skipped::default());
        let executor = self.draft(framework, executor_id);
        executor.application = executor.application.take().or(application);
        let tasks = if fields.is_over {
            &mut executor.past_tasks
        } else {
            &mut executor.tasks
        };
        tasks.count += 1;
        tasks.last = Some(Arc::clone(&task));

        let ids: (Arc<str>, Arc<str>) = (framework.into(), executor_id.into());
        let mut faults = 0_u64;
        let statuses = fields.statuses.map(|statuses| {
            json::elements(statuses.get(), |status| match json::object::<Status>(status) {
                Some(status) => self.status(&ids, &task, &status),
                None => faults += 1,
            })
        });
        faults += u64::from(statuses.is_some_and(|read| read.is_err()));
        for _ in 0..faults {
            self.skipped
                .add(|| format!("a status of the task {:?} that is none", fields.id));
        }
    }

    /// Notes which container the status says the task is in. Any status will do: a later one may not say it.
    fn status(
        &mut self,
        (framework, executor_id): &(Arc<str>, Arc<str>),
        task: &Arc<Task>,
        status: &Status<'_>,
    ) {
        let path = container_path(status.container_status);
        let (Some(own), Some(outermost)) = (path.first(), path.last()) else {
            return;
        };
        let executor = self.draft(framework, executor_id);
        let of_executor = executor.container_id.get_or_insert_with(|| outermost.to_string());
        // All tasks of an executor that does without nested containers say that they run in the executor's.
        if *of_executor == **own {
            return;
        }
        let timestamp = status.timestamp.and_then(json::number).unwrap_or(0.0);
        let newer = self
            .nested
            .get(&**own)
            .is_none_or(|claim| claim.timestamp <= timestamp);
        if newer && (self.nested.contains_key(&**own) || self.take_room()) {
            let container = Container {
                framework_id: Arc::clone(framework),
                executor_id: Arc::clone(executor_id),
                task: Some(Arc::clone(task)),
            };
            self.nested
                .insert(own.to_string(), Claim { timestamp, container });
        }
    }

    pub(super) fn finish(self, agent_id: String, hostname: String) -> (AgentState, Skipped) {
        let mut containers: HashMap<_, _> = self
            .nested
            .into_iter()
            .map(|(id, claim)| (id, claim.container))
            .collect();
        let mut frameworks = BTreeMap::new();
        for (id, draft) in self.frameworks {
            let framework_id: Arc<str> = id.as_str().into();
            let mut applications = HashMap::new();
            for (executor_id, executor) in draft.executors {
                if let Some(container_id) = executor.container_id {
                    let tasks = if executor.tasks.count > 0 {
                        executor.tasks
                    } else {
                        executor.past_tasks
                    };
                    let container = Container {
                        framework_id: Arc::clone(&framework_id),
                        executor_id: executor_id.as_str().into(),
                        task: tasks.only(),
                    };
                    containers.insert(container_id, container);
                }
                if let Some(application) = executor.application {
                    applications.insert(executor_id, application);
                }
            }
            let framework = Framework {
                name: draft.name,
                applications,
            };
            frameworks.insert(id, framework);
        }
        let state = AgentState {
            agent_id,
            hostname,
            frameworks,
            containers,
        };
        (state, self.skipped)
    }

    fn draft(&mut self, framework: &str, executor: &str) -> &mut ExecutorDraft {
        let framework = self.frameworks.entry(framework.to_owned()).or_default();
        framework.executors.entry(executor.to_owned()).or_default()
    }

    fn take_room(&mut self) -> bool {
        match self.room.checked_sub(1) {
            Some(room) => self.room = room,
            None => {
                self.skipped.add(|| {
                    format!("only the first {MAX_ENTRIES} frameworks, executors and tasks are taken")
                });
                return false;
            }
        }
        true
    }
}
