//! The content of a container file: one JSON object.
//!
//! | key | type | |
//! |---|---|---|
//! | `container_id` | string | the container's own id, without those it is nested in |
//! | `statsd_host` | string | the endpoint's address |
//! | `statsd_port` | integer | the endpoint's port, 1 to 65535 |
//! | `framework_id` | string | left out if empty |
//! | `executor_id` | string | left out if empty |
//! | `parents` | strings | the containers it is nested in, outermost first; left out if empty |
//! | `sandbox` | string | for containers that Mesos does not list after a restart, those of Docker: the directory of the executor's run; left out if empty |
//!
//! The first three are all the old module wrote (`reference/metrics.md` 1.13); its files are read as they are. Readers of that
//! time ignore the other keys, so they read ours.

use super::MAX_FILE_BYTES;
use crate::container::{Container, ContainerId};
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::{self, ErrorKind};

/// A container and the endpoint it was told to send to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredEndpoint {
    /// The container. A file of the old module has its leaf id only, and no framework or executor.
    pub container: Container,
    /// The value of `STATSD_UDP_HOST`.
    pub host: String,
    /// The value of `STATSD_UDP_PORT`; never 0.
    pub port: u16,
    /// The directory by which the host knows whether the container is alive, if it has no list to find it in; else empty.
    pub sandbox: String,
}

/// Why the content of a container file can't be understood.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not JSON.
    #[error("it is no JSON object: {0}")]
    NoJson(#[from] serde_json::Error),
    /// JSON of another kind. What it is stays unsaid: it may be as long as a file may be, and would be all in the log.
    #[error("it is no JSON object: it is {0}")]
    NoObject(&'static str),
    /// A key is missing that every such file has.
    #[error("it has no \"{0}\"")]
    Missing(&'static str),
    /// A key has a value that is not allowed.
    #[error("its \"{key}\" is {value}; allowed: {allowed}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value, as JSON, cut when long.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

#[derive(Serialize)]
struct Record<'a> {
    container_id: &'a str,
    statsd_host: &'a str,
    statsd_port: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    framework_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    executor_id: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    parents: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    sandbox: &'a str,
}

impl StoredEndpoint {
    /// The content of a container file.
    ///
    /// # Errors
    /// `InvalidInput` for what [`from_json`](Self::from_json) or [`load`](super::StateCache::load) would not take back: port 0,
    /// or more than [`MAX_FILE_BYTES`].
    pub fn to_json(&self) -> io::Result<Vec<u8>> {
        let container = &self.container;
        let refuse = |reason: String| {
            Err(io::Error::new(
                ErrorKind::InvalidInput,
                format!("the endpoint cannot be stored: {reason}"),
            ))
        };
        if self.port == 0 {
            return refuse("its port is 0; allowed: 1 to 65535".to_owned());
        }
        let json = serde_json::to_vec(&Record {
            container_id: container.id.leaf(),
            statsd_host: &self.host,
            statsd_port: self.port,
            framework_id: &container.framework_id,
            executor_id: &container.executor_id,
            parents: container.id.parents(),
            sandbox: &self.sandbox,
        })?;
        if json.len() > MAX_FILE_BYTES {
            return refuse(format!(
                "with the ids of container, framework and executor it has {} bytes; allowed: {MAX_FILE_BYTES}",
                json.len()
            ));
        }
        Ok(json)
    }

    /// Reads the content of a container file. Keys may come in any order, unknown ones are ignored.
    ///
    /// # Errors
    /// One line that says which key is wrong, and what is allowed.
    pub fn from_json(content: &[u8]) -> Result<Self, RecordError> {
        let record = match serde_json::from_slice(content)? {
            Value::Object(record) => record,
            Value::Null => return Err(RecordError::NoObject("null")),
            Value::Bool(_) => return Err(RecordError::NoObject("true or false")),
            Value::Number(_) => return Err(RecordError::NoObject("a number")),
            Value::String(_) => return Err(RecordError::NoObject("a string")),
            Value::Array(_) => return Err(RecordError::NoObject("an array")),
        };
        let parents = parents(&record)?;
        let leaf = text(&record, "container_id")?.ok_or(RecordError::Missing("container_id"))?;
        Ok(Self {
            host: text(&record, "statsd_host")?.ok_or(RecordError::Missing("statsd_host"))?,
            port: port(&record)?,
            container: Container {
                id: ContainerId::nested(parents, leaf),
                framework_id: text(&record, "framework_id")?.unwrap_or_default(),
                executor_id: text(&record, "executor_id")?.unwrap_or_default(),
            },
            sandbox: text(&record, "sandbox")?.unwrap_or_default(),
        })
    }
}

fn text(record: &Map<String, Value>, key: &'static str) -> Result<Option<String>, RecordError> {
    match record.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(key, other, "a string")),
    }
}

fn port(record: &Map<String, Value>) -> Result<u16, RecordError> {
    let key = "statsd_port";
    let value = record.get(key).ok_or(RecordError::Missing(key))?;
    match value.as_u64().and_then(|port| u16::try_from(port).ok()) {
        Some(port) if port > 0 => Ok(port),
        _ => Err(wrong(key, value, "a whole number from 1 to 65535")),
    }
}

fn parents(record: &Map<String, Value>) -> Result<Vec<String>, RecordError> {
    let key = "parents";
    let Some(value) = record.get(key) else {
        return Ok(Vec::new());
    };
    let ids = value
        .as_array()
        .and_then(|ids| ids.iter().map(|id| Some(id.as_str()?.to_owned())).collect());
    ids.ok_or_else(|| wrong(key, value, "an array of strings"))
}

fn wrong(key: &'static str, value: &Value, allowed: &'static str) -> RecordError {
    const SHOWN_CHARACTERS: usize = 80;
    let mut value = value.to_string();
    if let Some((cut, _)) = value.char_indices().nth(SHOWN_CHARACTERS) {
        value.truncate(cut);
        value.push_str("...");
    }
    RecordError::Value { key, value, allowed }
}

#[cfg(test)]
mod tests;
