//! The tags that say whose datapoints these are. All others are the datapoint's own.

/// A tag that identifies a container, a task or the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The agent's id.
    AgentId,
    /// The container's.
    ContainerId,
    /// The executor's.
    ExecutorId,
    /// The framework's name.
    FrameworkName,
    /// The framework's id.
    FrameworkId,
    /// The application's name.
    ApplicationName,
    /// The task's name.
    TaskName,
    /// The task's id.
    TaskId,
    /// The node's name.
    Hostname,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::AgentId,
        Self::ContainerId,
        Self::ExecutorId,
        Self::FrameworkName,
        Self::FrameworkId,
        Self::ApplicationName,
        Self::TaskName,
        Self::TaskId,
        Self::Hostname,
    ];

    /// The one that a tag with this key is.
    pub(super) fn of(key: &str) -> Option<Self> {
        Some(match key {
            "agent_id" => Self::AgentId,
            "container_id" => Self::ContainerId,
            "executor_id" => Self::ExecutorId,
            "framework_name" => Self::FrameworkName,
            "framework_id" => Self::FrameworkId,
            "application_name" => Self::ApplicationName,
            "task_name" => Self::TaskName,
            "task_id" => Self::TaskId,
            "hostname" => Self::Hostname,
            _ => return None,
        })
    }
}
