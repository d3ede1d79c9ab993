//! `GET /containers` and the call `GET_CONTAINERS`: what every container uses.
//!
//! | in the answer | metric | further tag |
//! |---|---|---|
//! | `mem_rss_bytes` | `dcos.metrics.container.mem_rss_bytes` | |
//! | `blkio_statistics` | `dcos.metrics.container.blkio.throttling.io_serviced.read` | `blkio_device`: `8:0` or `total` |
//! | `disk_statistics` | `dcos.metrics.container.disk.used_bytes` | `disk_volume`: the volume's id or `sandbox` |
//! | `net_snmp_statistics` | `dcos.metrics.container.net_snmp_statistics.tcp_stats.InSegs` | |
//! | `net_traffic_control_statistics` | `dcos.metrics.container.net_traffic_control_statistics.bw_limit.drops` | |
//!
//! The names in the first line are those of 2016, which left out all that is nested (`reference/metrics.md` 2.4, 6.4). Other
//! nested values get the path to them as their name; an element of an array goes by its `id`, or else by its number.
//!
//! Everything is a gauge, also what only grows: these are totals, and a StatsD counter is an increment.
//!
//! An entry without framework and executor is a nested container, which has those of the container it is nested in, or one
//! that belongs to no framework: its topic is `unknown_container` and its only tag the container id. An entry without
//! statistics, as that of a container that has just started, is left out.

#[cfg(test)]
mod tests;
mod tree;

use super::state::{container_path, v1_id};
use super::{AgentApi, AgentState, BadData, MAX_ENTRIES, MAX_VALUES, Measured, json};
use serde::Deserialize;
use serde_json::value::RawValue;
use stats_schema::{MetricList, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use tree::Tree;

/// The topic of containers that belong to no framework, as in the module (`reference/metrics.md` 2.5).
const UNKNOWN_TOPIC: &str = "unknown_container";

/// An entry of either interface; only the texts are wrapped in objects in one of them.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    container_id: Option<&'a RawValue>,
    #[serde(borrow)]
    executor_id: Option<&'a RawValue>,
    #[serde(borrow)]
    framework_id: Option<&'a RawValue>,
    #[serde(borrow, alias = "resource_statistics")]
    statistics: Option<&'a RawValue>,
    #[serde(borrow, alias = "container_status")]
    status: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Timestamp<'a> {
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    get_containers: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Containers<'a> {
    #[serde(borrow)]
    containers: Option<&'a RawValue>,
}

struct Entry<'a> {
    container_id: Cow<'a, str>,
    /// The containers it is nested in, innermost first.
    parents: Vec<Cow<'a, str>>,
    owner: Option<Owner<'a>>,
    statistics: Option<&'a RawValue>,
}

#[derive(Clone)]
struct Owner<'a> {
    framework_id: Cow<'a, str>,
    executor_id: Cow<'a, str>,
}

/// Reads an answer: a list for every container with numbers, in the order of the answer, and one more for each of its block
/// devices and volumes.
///
/// # Errors
///
/// When the answer as a whole is not of the expected shape. A fault of one entry costs that entry, and is counted.
pub fn containers(api: AgentApi, answer: &str, state: Option<&AgentState>) -> Result<Measured, BadData> {
    let array = match api {
        AgentApi::Rest => answer,
        AgentApi::V1 => {
            let answer: Answer = serde_json::from_str(answer)?;
            let containers: Option<Containers> = answer.get_containers.and_then(json::object);
            match containers.ok_or(BadData::Missing("get_containers"))?.containers {
                Some(array) => array.get(),
                // Protobuf leaves out a list that is empty.
                None => "[]",
            }
        }
    };
    let mut measured = Measured::default();
    let mut entries = Vec::new();
    json::elements(array, |raw| match entry(api, raw) {
        Ok(_) if entries.len() == MAX_ENTRIES => {
            measured
                .skipped
                .add(|| format!("only the first {MAX_ENTRIES} containers are taken"));
        }
        Ok(entry) => entries.push(entry),
        Err(reason) => measured.skipped.add(|| reason.to_owned()),
    })?;
    let owners: HashMap<&str, &Owner<'_>> = entries
        .iter()
        .filter_map(|entry| Some((&*entry.container_id, entry.owner.as_ref()?)))
        .collect();
    let mut room = MAX_VALUES;
    for entry in &entries {
        let owner = owner(entry, &owners, state);
        if let Err(reason) = measure(entry, owner.as_ref(), &mut room, &mut measured) {
            log::debug!(
                "the container {:?} is left out of this poll: {reason}",
                entry.container_id
            );
            // Without its id, so that as long as there are such containers it is one complaint.
            measured.skipped.add(|| reason.to_owned());
        }
    }
    Ok(measured)
}

fn entry(api: AgentApi, raw: &RawValue) -> Result<Entry<'_>, &'static str> {
    let fields: Fields = json::object(raw).ok_or("an entry that is no object")?;
    let text = match api {
        AgentApi::Rest => json::text,
        AgentApi::V1 => v1_id,
    };
    let container_id = text(fields.container_id)
        .filter(|id| !id.is_empty())
        .ok_or("a container without an id")?;
    let owner = match (text(fields.framework_id), text(fields.executor_id)) {
        (Some(framework_id), Some(executor_id)) if !framework_id.is_empty() => Some(Owner {
            framework_id,
            executor_id,
        }),
        _ if fields.framework_id.is_some() || fields.executor_id.is_some() => {
            return Err("a container of which either the framework or the executor is not said");
        }
        _ => None,
    };
    Ok(Entry {
        parents: container_path(fields.status).into_iter().skip(1).collect(),
        container_id,
        owner,
        statistics: fields.statistics,
    })
}

/// The framework and executor of the container, of the same answer's containers around it, or of what the state says.
fn owner<'a>(
    entry: &Entry<'a>,
    owners: &HashMap<&str, &Owner<'a>>,
    state: Option<&'a AgentState>,
) -> Option<Owner<'a>> {
    if let Some(owner) = &entry.owner {
        return Some(owner.clone());
    }
    if let Some(owner) = entry.parents.iter().find_map(|id| owners.get(&**id)) {
        return Some((*owner).clone());
    }
    let ids = std::iter::once(&entry.container_id).chain(&entry.parents);
    let container = ids.into_iter().find_map(|id| state?.container(id))?;
    Some(Owner {
        framework_id: Cow::Borrowed(&container.framework_id),
        executor_id: Cow::Borrowed(&container.executor_id),
    })
}

fn measure(
    entry: &Entry<'_>,
    owner: Option<&Owner<'_>>,
    room: &mut usize,
    measured: &mut Measured,
) -> Result<(), &'static str> {
    let statistics = entry.statistics.ok_or("a container without statistics")?;
    let time: Timestamp = json::object(statistics).ok_or("a container whose statistics are no object")?;
    let seconds = time.timestamp.and_then(json::number);
    let time_ms = seconds
        .and_then(milliseconds)
        .ok_or("a container whose statistics have no usable timestamp")?;
    let mut tree = Tree::new(time_ms, room);
    tree.statistics(statistics);
    measured.unsupported += tree.unsupported;
    if tree.is_empty() {
        return Err("a container whose statistics have no number");
    }
    let tags = tags(entry, owner);
    let topic = owner.map_or(UNKNOWN_TOPIC, |owner| &owner.framework_id);
    for (tag, datapoints) in tree.into_lists() {
        measured.values += datapoints.len() as u64;
        measured.lists.push(MetricList {
            topic: topic.to_owned(),
            tags: tags.iter().cloned().chain(tag).collect(),
            datapoints,
        });
    }
    Ok(())
}

fn tags(entry: &Entry<'_>, owner: Option<&Owner<'_>>) -> Vec<Tag> {
    let mut pairs = vec![("container_id", &entry.container_id)];
    if let Some(owner) = owner {
        pairs.push(("executor_id", &owner.executor_id));
        pairs.push(("framework_id", &owner.framework_id));
    }
    let tag = |(key, value): (&str, &Cow<'_, str>)| Tag {
        key: key.to_owned(),
        value: value.to_string(),
    };
    pairs.into_iter().map(tag).collect()
}

/// Whole milliseconds, cut off as in 2016; None for a time that is out of all reason.
fn milliseconds(seconds: f64) -> Option<i64> {
    let milliseconds = seconds * 1000.0;
    // 2 to the 53 ms are 285,000 years; up to there a double has every whole number.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "cutting off is meant, and the range is checked"
    )]
    (0.0..9_007_199_254_740_992.0)
        .contains(&milliseconds)
        .then_some(milliseconds as i64)
}
