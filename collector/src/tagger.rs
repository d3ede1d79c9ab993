//! Who is who: adds what the agent says about a container to every record that came from it.

use crate::agent::{AgentState, NO_STATE};
use crate::batch::{Batch, Origin};
use crate::telemetry::Input;
use stats_schema::{Tag, TagRef};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How many origins are remembered. A node has hundreds; a peer may make up any number.
const REMEMBERED: usize = 10_000;

/// How long a container that the agent does not know either is taken for a stranger, and not asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// How long a container is remembered that the agent has forgotten: what it sent last may still be on its way, in a block of the
/// module that is not full, or in the module's queue.
const DEPARTED_FOR: Duration = Duration::from_secs(120);

/// Whether there are containers in a batch that the agent has not told of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unknown {
    pub(crate) any: bool,
    /// One that it has not been asked for lately.
    pub(crate) new: bool,
}

/// Adds tags, and notices containers that are not known yet.
#[derive(Debug)]
pub(crate) struct Tagger {
    state: Option<Arc<AgentState>>,
    /// The tags of each origin, worked out from this state; keys are made by [`origin_key`].
    tags: HashMap<String, Arc<[Tag]>>,
    /// Containers that were not known, and when that was noticed.
    strangers: HashMap<String, Instant>,
    /// Containers that the agent has forgotten.
    departed: HashMap<String, Departed>,
    input: Arc<Input>,
}

#[derive(Debug)]
struct Departed {
    framework: String,
    executor: String,
    tags: Arc<[Tag]>,
    since: Instant,
}

impl Tagger {
    pub(crate) fn new(input: Arc<Input>) -> Self {
        Self {
            state: None,
            tags: HashMap::new(),
            strangers: HashMap::new(),
            departed: HashMap::new(),
            input,
        }
    }

    /// From now on, this is who is who.
    pub(crate) fn know(&mut self, state: Option<Arc<AgentState>>) {
        if let (Some(old), Some(new)) = (&self.state, &state) {
            let now = Instant::now();
            self.departed
                .retain(|id, departed| now - departed.since < DEPARTED_FOR && !new.knows(id));
            let forgotten = old.containers().filter(|[.., id]| !new.knows(id));
            let room = REMEMBERED - self.departed.len();
            self.departed
                .extend(forgotten.take(room).map(|[framework, executor, container]| {
                    let origin = Origin {
                        framework,
                        executor,
                        container,
                    };
                    let departed = Departed {
                        framework: framework.to_owned(),
                        executor: executor.to_owned(),
                        tags: added_tags(Some(old), origin).into(),
                        since: now,
                    };
                    (container.to_owned(), departed)
                }));
        }
        self.state = state;
        self.tags.clear();
    }

    /// Tags all records of `batch`, again if need be.
    pub(crate) fn tag(&mut self, batch: &mut Batch) -> Unknown {
        let Self {
            state,
            tags,
            strangers,
            departed,
            input,
        } = self;
        let mut key = String::new();
        let mut unknown = Unknown::default();
        let lost = batch.tag(|origin| {
            let known = state.as_ref().is_some_and(|state| state.knows(origin.container));
            // Whoever else names the container is a stranger.
            if !known
                && let Some(departed) = departed.get(origin.container)
                && (departed.framework.as_str(), departed.executor.as_str())
                    == (origin.framework, origin.executor)
            {
                return Arc::clone(&departed.tags);
            }
            if !known && !origin.container.is_empty() {
                unknown.any = true;
                unknown.new |= is_new(strangers, origin.container);
            }
            origin_key(&mut key, origin);
            if let Some(tags) = tags.get(&key) {
                return Arc::clone(tags);
            }
            let added: Arc<[Tag]> = added_tags(state.as_deref(), origin).into();
            if tags.len() >= REMEMBERED {
                tags.clear();
            }
            tags.insert(key.clone(), Arc::clone(&added));
            added
        });
        input.tags_replaced.add(lost);
        unknown
    }
}

fn origin_key(key: &mut String, origin: Origin<'_>) {
    key.clear();
    for part in [origin.framework, origin.executor, origin.container] {
        key.push_str(part);
        key.push('\0');
    }
}

/// What `reference/metrics.md` 2.5 adds, and what users asked for besides.
fn added_tags(state: Option<&AgentState>, origin: Origin<'_>) -> Vec<Tag> {
    let Some(state) = state else {
        let (key, value) = NO_STATE;
        return vec![Tag {
            key: key.into(),
            value: value.into(),
        }];
    };
    let tags = [
        ("framework_id", origin.framework),
        ("executor_id", origin.executor),
        ("container_id", origin.container),
    ];
    state.added_tags(&tags.map(|(key, value)| TagRef { key, value }))
}

fn is_new(strangers: &mut HashMap<String, Instant>, container: &str) -> bool {
    let now = Instant::now();
    match strangers.get_mut(container) {
        Some(noticed) if now - *noticed < ASK_AGAIN => false,
        Some(noticed) => {
            *noticed = now;
            true
        }
        None => {
            if strangers.len() >= REMEMBERED {
                strangers.clear();
            }
            strangers.insert(container.to_owned(), now);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{AgentApi, LabelChoice};
    use serde_json::json;
    use stats_schema::MetricList;
    use std::convert::Infallible;

    /// What an agent tells that runs a task in each of these containers, named as they are.
    fn state(containers: &[&str]) -> Option<Arc<AgentState>> {
        let executors: Vec<_> = containers
            .iter()
            .map(|id| json!({"id": format!("e-{id}"), "container": id, "tasks": [{"id": id}]}))
            .collect();
        let framework = json!({"id": "f", "name": "n", "executors": executors});
        let answer = json!({"id": "A", "frameworks": [framework]}).to_string();
        let (state, _) = AgentState::parse(AgentApi::Rest, &answer, None, &LabelChoice::default()).unwrap();
        Some(Arc::new(state))
    }

    /// The task of a record from this container, and whether the container is unknown.
    fn task(tagger: &mut Tagger, framework: &str, container: &str) -> (Option<String>, bool) {
        let tags = [
            ("framework_id", framework),
            ("executor_id", &format!("e-{container}")),
            ("container_id", container),
        ];
        let record = MetricList {
            topic: framework.to_owned(),
            tags: tags
                .map(|(key, value)| Tag {
                    key: key.into(),
                    value: value.into(),
                })
                .into(),
            datapoints: Vec::new(),
        };
        let mut batch: Batch = std::iter::once(record).collect();
        let unknown = tagger.tag(&mut batch).any;
        let mut task = None;
        let Ok(()) = batch.try_for_each(|record| {
            let tag = record.tags.iter().find(|tag| tag.key == "task_id");
            task = tag.map(|tag| tag.value.to_owned());
            Ok::<(), Infallible>(())
        });
        (task, unknown)
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_container_sent_last_has_its_tags_when_the_agent_has_forgotten_it() {
        let mut tagger = Tagger::new(Arc::default());
        tagger.know(state(&["old"]));
        tagger.know(state(&["new"]));
        for round in 0..2 {
            assert_eq!(
                task(&mut tagger, "f", "old"),
                (Some("old".to_owned()), false),
                "{round}"
            );
            assert_eq!(task(&mut tagger, "f", "new"), (Some("new".to_owned()), false));
            // Somebody who makes up whose it was.
            assert_eq!(task(&mut tagger, "another", "old"), (None, true));
            tagger.know(state(&["new"]));
        }
        tokio::time::advance(DEPARTED_FOR).await;
        tagger.know(state(&["new"]));
        assert_eq!(task(&mut tagger, "f", "old"), (None, true));
        assert_eq!(tagger.departed.len(), 0);
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let names: Vec<_> = (0..REMEMBERED + 10).map(|number| number.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let mut tagger = Tagger::new(Arc::default());
        tagger.know(state(&names[..20]));
        tagger.know(state(&names[20..]));
        tagger.know(state(&[]));
        assert_eq!(tagger.departed.len(), REMEMBERED);
    }
}
