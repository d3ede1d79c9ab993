//! The calls `GET_STATE` and `GET_AGENT` of `POST /api/v1`.
//!
//! Frameworks, executors and tasks come in three lists. The containers of executors are known by their tasks only.

use super::AgentState;
use super::builder::{Builder, TaskFields};
use crate::agent::{BadData, LabelChoice, Skipped, json};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    get_state: Option<&'a RawValue>,
    #[serde(borrow)]
    get_agent: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow)]
    get_frameworks: Option<&'a RawValue>,
    #[serde(borrow)]
    get_executors: Option<&'a RawValue>,
    #[serde(borrow)]
    get_tasks: Option<&'a RawValue>,
}

/// Everything that is an object with one interesting member here.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
    #[serde(borrow)]
    frameworks: Option<&'a RawValue>,
    #[serde(borrow)]
    framework_info: Option<&'a RawValue>,
    #[serde(borrow)]
    executors: Option<&'a RawValue>,
    #[serde(borrow)]
    executor_info: Option<&'a RawValue>,
    #[serde(borrow)]
    agent_info: Option<&'a RawValue>,
}

/// A `FrameworkInfo` or an `AgentInfo`.
#[derive(Deserialize)]
struct Info<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    hostname: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ExecutorInfo<'a> {
    #[serde(borrow)]
    executor_id: Option<&'a RawValue>,
    #[serde(borrow)]
    framework_id: Option<&'a RawValue>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Tasks<'a> {
    /// Waiting for their executor, whose container may send already.
    #[serde(borrow)]
    queued_tasks: Option<&'a RawValue>,
    #[serde(borrow)]
    launched_tasks: Option<&'a RawValue>,
    /// Over, but the framework does not know it yet.
    #[serde(borrow)]
    terminated_tasks: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Task<'a> {
    #[serde(borrow)]
    task_id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    framework_id: Option<&'a RawValue>,
    #[serde(borrow)]
    executor_id: Option<&'a RawValue>,
    #[serde(borrow)]
    agent_id: Option<&'a RawValue>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
    #[serde(borrow)]
    statuses: Option<&'a RawValue>,
}

/// Who answers.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::agent) struct Agent {
    id: String,
    hostname: String,
}

/// Reads an answer to `GET_AGENT`; None if it is none.
pub(in crate::agent) fn agent(answer: &str) -> Option<Agent> {
    let answer: Answer = serde_json::from_str(answer).ok()?;
    let info: Info = json::object(wrapped(answer.get_agent)?.agent_info?)?;
    Some(Agent {
        id: id(info.id)?.into_owned(),
        hostname: json::text(info.hostname).unwrap_or_default().into_owned(),
    })
}

pub(in crate::agent) fn parse(
    answer: &str,
    agent: Option<Agent>,
    choice: &LabelChoice,
) -> Result<(AgentState, Skipped), BadData> {
    let answer: Answer = serde_json::from_str(answer)?;
    let state: State = answer
        .get_state
        .and_then(json::object)
        .ok_or(BadData::Missing("get_state"))?;
    // Protobuf leaves an empty list out of some answers, but never what holds the list.
    let frameworks = wrapped(state.get_frameworks).ok_or(BadData::Missing("get_frameworks"))?;
    let mut builder = Builder::new(choice);
    list(&mut builder, "frameworks", frameworks.frameworks, read_framework);
    let executors = wrapped(state.get_executors).and_then(|wrapped| wrapped.executors);
    list(&mut builder, "executors", executors, read_executor);
    let mut task_agent = None;
    let tasks: Option<Tasks> = state.get_tasks.and_then(json::object);
    let tasks = tasks.map_or([(None, false); 3], |tasks| {
        [
            (tasks.queued_tasks, false),
            (tasks.launched_tasks, false),
            (tasks.terminated_tasks, true),
        ]
    });
    for (tasks, is_over) in tasks {
        list(&mut builder, "tasks", tasks, |builder, task| {
            if let Some(id) = read_task(builder, task, is_over) {
                task_agent = Some(id);
            }
        });
    }
    let from_tasks = || {
        Some(Agent {
            id: task_agent?,
            hostname: String::new(),
        })
    };
    let agent = agent.or_else(from_tasks).ok_or(BadData::Missing("agent_id"))?;
    Ok(builder.finish(agent.id, agent.hostname))
}

fn list<'a, 'c>(
    builder: &mut Builder<'c>,
    name: &str,
    list: Option<&'a RawValue>,
    mut read: impl FnMut(&mut Builder<'c>, &'a RawValue),
) {
    if let Some(list) = list
        && json::elements(list.get(), |element| read(builder, element)).is_err()
    {
        builder.skipped.add(|| format!("the {name} are no list"));
    }
}

fn read_framework(builder: &mut Builder<'_>, framework: &RawValue) {
    let info: Option<Info> =
        wrapped(Some(framework)).and_then(|wrapped| json::object(wrapped.framework_info?));
    match info.and_then(|info| Some((id(info.id)?, info))) {
        Some((id, info)) => builder.framework(&id, json::text(info.name).as_deref()),
        None => builder.skipped.add(|| "a framework without an id".to_owned()),
    }
}

fn read_executor(builder: &mut Builder<'_>, executor: &RawValue) {
    let info: Option<ExecutorInfo> =
        wrapped(Some(executor)).and_then(|wrapped| json::object(wrapped.executor_info?));
    match info.and_then(|info| Some((id(info.framework_id)?, id(info.executor_id)?, info))) {
        Some((framework, executor, info)) => {
            builder.executor(&framework, &executor, None, labels(info.labels));
        }
        None => builder
            .skipped
            .add(|| "an executor without an id or a framework".to_owned()),
    }
}

/// Takes a task; the agent it says it is on.
fn read_task(builder: &mut Builder<'_>, task: &RawValue, is_over: bool) -> Option<String> {
    let task: Option<Task> = json::object(task);
    let Some((task_id, framework, task)) =
        task.and_then(|task| Some((id(task.task_id)?, id(task.framework_id)?, task)))
    else {
        builder
            .skipped
            .add(|| "a task without an id or a framework".to_owned());
        return None;
    };
    // A task that is one command has an executor of its own, by the same name.
    let executor = id(task.executor_id).unwrap_or(Cow::Borrowed(&task_id));
    let fields = TaskFields {
        id: &task_id,
        name: &json::text(task.name).unwrap_or_default(),
        labels: labels(task.labels),
        statuses: task.statuses,
        is_over,
    };
    builder.task(&framework, &executor, fields);
    id(task.agent_id).map(Cow::into_owned)
}

fn wrapped(raw: Option<&RawValue>) -> Option<Wrapped<'_>> {
    raw.and_then(json::object)
}

/// The list in `{"labels": [...]}`.
pub(super) fn labels(raw: Option<&RawValue>) -> Option<&RawValue> {
    wrapped(raw).and_then(|wrapped| wrapped.labels)
}

/// The text in `{"value": "..."}`, unless it is empty.
pub(in crate::agent) fn id(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    json::text(wrapped(raw)?.value).filter(|id| !id.is_empty())
}
