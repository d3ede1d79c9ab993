//! Who a container is: the ids Mesos knows it by.

use std::fmt;

/// A container's id with those of the containers it is nested in, outermost first.
///
/// Mesos promises that an id is unique among its siblings only, so the whole path is the identity; the last part, the
/// leaf, is what the old system's tags, state files and topics carry (`reference/metrics.md` 1.13).
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ContainerId {
    parents: Vec<String>,
    leaf: String,
}

impl ContainerId {
    /// A container that is nested in no other.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            parents: Vec::new(),
            leaf: id.into(),
        }
    }

    /// A container inside those of `parents`, outermost first.
    pub fn nested(parents: Vec<String>, id: impl Into<String>) -> Self {
        Self {
            parents,
            leaf: id.into(),
        }
    }

    /// The container's own id, without those it is nested in.
    #[must_use]
    pub fn leaf(&self) -> &str {
        &self.leaf
    }

    /// The containers around this one, outermost first; empty for most.
    #[must_use]
    pub fn parents(&self) -> &[String] {
        &self.parents
    }
}

impl fmt::Display for ContainerId {
    /// As Mesos prints it: the path joined with dots.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for parent in &self.parents {
            write!(f, "{parent}.")?;
        }
        f.write_str(&self.leaf)
    }
}

/// A container and what runs in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Container {
    /// Its id among all containers of the agent.
    pub id: ContainerId,
    /// The framework that launched it; empty where Mesos does not tell.
    pub framework_id: String,
    /// The executor it runs, or is a task of; empty where Mesos does not tell.
    pub executor_id: String,
}
