//! `GET /state` (`reference/metrics.md` 2.4).

use super::AgentState;
use super::builder::{Builder, TaskFields};
use super::v1;
use crate::agent::{BadData, LabelChoice, Skipped, json};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    hostname: Option<&'a RawValue>,
    #[serde(borrow)]
    frameworks: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Framework<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    executors: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Executor<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    container: Option<&'a RawValue>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
    #[serde(borrow)]
    tasks: Option<&'a RawValue>,
    #[serde(borrow)]
    queued_tasks: Option<&'a RawValue>,
    /// Also those that are over and of which the framework does not know it yet.
    #[serde(borrow)]
    completed_tasks: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Task<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
    #[serde(borrow)]
    statuses: Option<&'a RawValue>,
}

/// A task that waits for its executor, whose container may send already. Mesos shows it as the message that launched it, not
/// as it shows other tasks; before 1.0 more like those, without labels.
#[derive(Deserialize)]
struct QueuedTask<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    task_id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
}

/// What of the old system rejected the whole answer, a framework without executors for example, costs that part here.
pub(in crate::agent) fn parse(answer: &str, choice: &LabelChoice) -> Result<(AgentState, Skipped), BadData> {
    let state: State = serde_json::from_str(answer)?;
    let id = json::text(state.id)
        .filter(|id| !id.is_empty())
        .ok_or(BadData::Missing("id"))?;
    let frameworks = state.frameworks.ok_or(BadData::Missing("frameworks"))?;
    let mut builder = Builder::new(choice);
    json::elements(frameworks.get(), |framework| {
        read_framework(&mut builder, framework);
    })
    .map_err(|_| BadData::Missing("frameworks"))?;
    let hostname = json::text(state.hostname).unwrap_or_default();
    Ok(builder.finish(id.into_owned(), hostname.into_owned()))
}

fn read_framework(builder: &mut Builder<'_>, framework: &RawValue) {
    let fields =
        json::object::<Framework>(framework).and_then(|fields| Some((json::text(fields.id)?, fields)));
    let Some((id, fields)) = fields else {
        builder.skipped.add(|| "a framework without an id".to_owned());
        return;
    };
    builder.framework(&id, json::text(fields.name).as_deref());
    let executors = fields.executors.map_or(Ok(()), |executors| {
        json::elements(executors.get(), |executor| read_executor(builder, &id, executor))
    });
    if executors.is_err() {
        builder
            .skipped
            .add(|| format!("the executors of the framework {id:?} are no list"));
    }
}

fn read_executor(builder: &mut Builder<'_>, framework: &str, executor: &RawValue) {
    let fields = json::object::<Executor>(executor).and_then(|fields| Some((json::text(fields.id)?, fields)));
    let Some((id, fields)) = fields else {
        builder
            .skipped
            .add(|| format!("an executor of the framework {framework:?} without an id"));
        return;
    };
    builder.executor(
        framework,
        &id,
        json::text(fields.container).as_deref(),
        fields.labels,
    );
    let mut list = |tasks: Option<&RawValue>, read: fn(&mut Builder<'_>, &str, &str, &RawValue)| {
        let result = tasks.map_or(Ok(()), |tasks| {
            json::elements(tasks.get(), |task| read(builder, framework, &id, task))
        });
        if result.is_err() {
            builder
                .skipped
                .add(|| format!("the tasks of the executor {id:?} are no list"));
        }
    };
    list(fields.tasks, |builder, framework, executor, task| {
        read_task(builder, framework, executor, task, false);
    });
    list(fields.queued_tasks, read_queued_task);
    list(fields.completed_tasks, |builder, framework, executor, task| {
        read_task(builder, framework, executor, task, true);
    });
}

fn read_task(builder: &mut Builder<'_>, framework: &str, executor: &str, task: &RawValue, is_over: bool) {
    let fields = json::object::<Task>(task).and_then(|fields| Some((json::text(fields.id)?, fields)));
    let Some((id, fields)) = fields else {
        builder
            .skipped
            .add(|| format!("a task of the executor {executor:?} without an id"));
        return;
    };
    let fields = TaskFields {
        id: &id,
        name: &json::text(fields.name).unwrap_or_default(),
        labels: fields.labels,
        statuses: fields.statuses,
        is_over,
    };
    builder.task(framework, executor, fields);
}

fn read_queued_task(builder: &mut Builder<'_>, framework: &str, executor: &str, task: &RawValue) {
    let fields = json::object::<QueuedTask>(task).and_then(|fields| {
        let id = v1::id(fields.task_id).or_else(|| json::text(fields.id))?;
        Some((id, fields))
    });
    let Some((id, fields)) = fields else {
        builder
            .skipped
            .add(|| format!("a queued task of the executor {executor:?} without an id"));
        return;
    };
    let fields = TaskFields {
        id: &id,
        name: &json::text(fields.name).unwrap_or_default(),
        labels: v1::labels(fields.labels),
        statuses: None,
        is_over: false,
    };
    builder.task(framework, executor, fields);
}
