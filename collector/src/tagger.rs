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
    input: Arc<Input>,
}

impl Tagger {
    pub(crate) fn new(input: Arc<Input>) -> Self {
        Self {
            state: None,
            tags: HashMap::new(),
            strangers: HashMap::new(),
            input,
        }
    }

    /// From now on, this is who is who.
    pub(crate) fn know(&mut self, state: Option<Arc<AgentState>>) {
        self.state = state;
        self.tags.clear();
    }

    /// Tags all records of `batch`, again if need be.
    pub(crate) fn tag(&mut self, batch: &mut Batch) -> Unknown {
        let Self {
            state,
            tags,
            strangers,
            input,
        } = self;
        let mut key = String::new();
        let mut unknown = Unknown::default();
        let lost = batch.tag(|origin| {
            let known = state.as_ref().is_some_and(|state| state.knows(origin.container));
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
