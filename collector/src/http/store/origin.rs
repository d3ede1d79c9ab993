//! Where datapoints come from: the node or a container.

use stats_schema::RecordRef;
use std::sync::Arc;

/// The topic of what the module could not assign to a container.
const UNKNOWN_CONTAINER: &str = "unknown_container";

/// Where datapoints come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The agent, the host, the collector: whatever has no container.
    Node,
    /// A container that the module does not know.
    UnknownContainer,
    /// The container with this id.
    Container(Arc<str>),
}

/// An [`Origin`] whose id lives elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum OriginRef<'a> {
    Node,
    UnknownContainer,
    Container(&'a str),
}

impl Origin {
    /// The container's id, if it is one.
    #[must_use]
    pub fn container_id(&self) -> Option<&str> {
        match self {
            Self::Container(id) => Some(id),
            Self::Node | Self::UnknownContainer => None,
        }
    }

    pub(super) fn borrowed(&self) -> OriginRef<'_> {
        match self {
            Self::Node => OriginRef::Node,
            Self::UnknownContainer => OriginRef::UnknownContainer,
            Self::Container(id) => OriginRef::Container(id),
        }
    }

    pub(super) fn is(&self, other: OriginRef<'_>) -> bool {
        self.borrowed() == other
    }
}

impl<'a> OriginRef<'a> {
    /// Where a record comes from.
    pub(super) fn of(record: &RecordRef<'a>) -> Self {
        // The identity tags come first, so a task's own tag of this name does not count.
        let id = record.tags.iter().find(|tag| tag.key == "container_id");
        match id.map(|tag| tag.value).filter(|id| !id.is_empty()) {
            Some(id) => Self::Container(id),
            None if record.topic == UNKNOWN_CONTAINER => Self::UnknownContainer,
            None => Self::Node,
        }
    }

    pub(super) fn id_bytes(self) -> usize {
        match self {
            Self::Node | Self::UnknownContainer => 0,
            Self::Container(id) => id.len(),
        }
    }
}
