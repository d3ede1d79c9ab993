//! What lines get from the container they are attributed to, rendered once for each output.

use crate::container::Container;
use crate::output::collector::{Slot, Source};
use crate::statsd::tag::{Owner, Rendered, Tagger};
use stats_schema::Identity;
use std::sync::Arc;

/// The topic of the module's own metrics: that of the node's other metrics (`reference/metrics.md` 2.4).
const MODULE_TOPIC: &str = "agent";

/// The topic of lines without a container (`reference/metrics.md` 1.18 rule 6).
const UNKNOWN_TOPIC: &str = "unknown_container";

/// See the module's text.
pub(super) struct Attribution {
    /// Absent if the StatsD output is off.
    pub(super) rendered: Option<Rendered>,
    pub(super) source: Arc<Source>,
    pub(super) slot: Slot,
}

impl Attribution {
    /// The attribution of a socket that belongs to `containers`: only one can be told apart.
    pub(super) fn new(containers: &[Container], tagger: Option<Tagger>) -> Self {
        let owner = match containers {
            [] => Owner::Missing,
            [container] => Owner::Container(container),
            _ => Owner::Unknown,
        };
        Self {
            rendered: tagger.map(|tagger| tagger.render(owner)),
            source: Arc::new(source(owner)),
            slot: Slot::default(),
        }
    }

    /// The attribution of what the module says of itself.
    pub(super) fn module() -> Self {
        let source = Source {
            container_id: String::new(),
            identity: Identity::new(MODULE_TOPIC, &[]),
        };
        Self {
            rendered: None,
            source: Arc::new(source),
            slot: Slot::default(),
        }
    }
}

fn source(owner: Owner<'_>) -> Source {
    let Owner::Container(container) = owner else {
        return Source {
            container_id: UNKNOWN_TOPIC.to_owned(),
            identity: Identity::new(UNKNOWN_TOPIC, &[]),
        };
    };
    let tags = [
        ("framework_id", container.framework_id.as_str()),
        ("executor_id", &container.executor_id),
        ("container_id", container.id.leaf()),
    ];
    Source {
        container_id: container.id.leaf().to_owned(),
        identity: Identity::new(&container.framework_id, &tags),
    }
}
