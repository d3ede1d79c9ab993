//! What can be wrong with a configuration. Every text is one line, however long or odd the operator's values are.

use super::MODULE_NAMES;
use std::fmt;

/// A parameter and its value as they stand in a list, or come from the defaults.
pub(super) struct Assignment<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    pub(super) default: bool,
}

impl<'a> Assignment<'a> {
    pub(super) fn given(key: &'a str, value: &'a str) -> Assignment<'a> {
        Assignment {
            key,
            value,
            default: false,
        }
    }
}

impl fmt::Display for Assignment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = if self.default { " (the default)" } else { "" };
        write!(f, "{}=\"{}\"{default}", shown(self.key), shown(self.value))
    }
}

/// `text` fit for one line of a log: control characters escaped, cut after 100 characters.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(100) {
        None => text.escape_debug().to_string(),
        Some((cut, _)) => format!("{}... ({} bytes)", text[..cut].escape_debug(), text.len()),
    }
}

/// What is wrong with a list of parameters. Parameters and values are kept as the messages show them: `key="value"`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// A key that no era knew.
    #[error(
        "unknown parameter {parameter}: the nearest known name is {nearest}; docs/configuration.md lists them all"
    )]
    Unknown {
        /// What was given.
        parameter: String,
        /// The known name, of either era, most like it.
        nearest: &'static str,
    },
    /// A value that is not allowed.
    #[error("{parameter}: {reason}")]
    Value {
        /// What was given.
        parameter: String,
        /// What is allowed, with the old module's wording in it.
        reason: String,
        /// Whether nothing was given and the value is the default.
        default: bool,
    },
    /// Two parameters, or two values of one, that exclude each other.
    #[error("{first} and {second}: {reason}")]
    Together {
        /// The one met first.
        first: String,
        /// The one that does not go with it.
        second: String,
        /// Why, and what to do.
        reason: String,
        /// Whether one of them is a default, or both are.
        default: bool,
    },
}

impl ParameterError {
    /// Whether further parameters could put it right: what is wrong is a default, which holds only while nothing is given.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        match self {
            Self::Unknown { .. } => false,
            Self::Value { default, .. } | Self::Together { default, .. } => *default,
        }
    }

    pub(super) fn value(assignment: &Assignment, reason: String) -> ParameterError {
        ParameterError::Value {
            parameter: assignment.to_string(),
            reason,
            default: assignment.default,
        }
    }

    pub(super) fn together(first: &Assignment, second: &Assignment, reason: &str) -> ParameterError {
        ParameterError::Together {
            first: first.to_string(),
            second: second.to_string(),
            reason: reason.to_owned(),
            default: first.default || second.default,
        }
    }
}

/// What is wrong with the JSON of `mesos-agent --modules`.
#[derive(Debug, thiserror::Error)]
pub enum ModulesError {
    /// Not JSON at all.
    #[error("the modules file is not JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// JSON of another shape than Mesos wants.
    #[error("the modules file: {path} must be {expected}, found {found}")]
    Shape {
        /// Where, as `libraries[0].modules[1].name`.
        path: String,
        /// What Mesos wants there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// None of the modules is ours.
    #[error("the modules file has none of our modules, which are {}", MODULE_NAMES.join(", "))]
    NotOurs,
    /// The lists of our modules contradict each other.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
}
