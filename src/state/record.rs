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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn endpoint(id: ContainerId, framework_id: &str, executor_id: &str) -> StoredEndpoint {
        StoredEndpoint {
            container: Container {
                id,
                framework_id: framework_id.to_owned(),
                executor_id: executor_id.to_owned(),
            },
            host: "host-hello".to_owned(),
            port: 123,
            sandbox: String::new(),
        }
    }

    #[test]
    fn without_our_keys_the_bytes_are_the_old_ones() {
        let old = br#"{"container_id":"hello","statsd_host":"host-hello","statsd_port":123}"#;
        let stored = endpoint(ContainerId::new("hello"), "", "");
        assert_eq!(stored.to_json().unwrap(), old);
        assert_eq!(StoredEndpoint::from_json(old).unwrap(), stored);
    }

    #[test]
    fn our_keys_follow_the_old_ones() {
        let id = ContainerId::nested(vec!["a".to_owned(), "b".to_owned()], "c");
        let mut stored = endpoint(id, "f", "e");
        let json = r#"{"container_id":"c","statsd_host":"host-hello","statsd_port":123,"framework_id":"f","executor_id":"e","parents":["a","b"]}"#;
        assert_eq!(String::from_utf8(stored.to_json().unwrap()).unwrap(), json);
        assert_eq!(StoredEndpoint::from_json(json.as_bytes()).unwrap(), stored);
        stored.sandbox = "/runs/c".to_owned();
        let json = json.replace('}', r#","sandbox":"/runs/c"}"#);
        assert_eq!(String::from_utf8(stored.to_json().unwrap()).unwrap(), json);
        assert_eq!(StoredEndpoint::from_json(json.as_bytes()).unwrap(), stored);
    }

    #[test]
    fn reads_any_order_space_and_unknown_key() {
        let json = "\n{ \"x\": [1,{}], \"statsd_port\" :\t65535 ,\"statsd_host\":\"\\u0068\", \"container_id\":\"\"}\r\n";
        let read = StoredEndpoint::from_json(json.as_bytes()).unwrap();
        assert_eq!(
            (read.container.id.leaf(), read.host.as_str(), read.port),
            ("", "h", 65_535)
        );
    }

    /// `reference/metrics-vectors.md` 12.
    #[test]
    fn refuses_with_the_key_the_value_and_what_is_allowed() {
        let port = "; allowed: a whole number from 1 to 65535";
        for (json, reason) in [
            (
                "",
                "it is no JSON object: EOF while parsing a value at line 1 column 0".to_owned(),
            ),
            (
                "{",
                "it is no JSON object: EOF while parsing an object at line 1 column 1".to_owned(),
            ),
            ("[]", "it is no JSON object: it is an array".to_owned()),
            (
                r#"["c","h",1]"#,
                "it is no JSON object: it is an array".to_owned(),
            ),
            ("null", "it is no JSON object: it is null".to_owned()),
            ("false", "it is no JSON object: it is true or false".to_owned()),
            ("1", "it is no JSON object: it is a number".to_owned()),
            ("{}", "it has no \"container_id\"".to_owned()),
            (
                r#"{"statsd_host":"h","statsd_port":1}"#,
                "it has no \"container_id\"".to_owned(),
            ),
            (
                r#"{"container_id":"c","statsd_port":1}"#,
                "it has no \"statsd_host\"".to_owned(),
            ),
            (
                r#"{"container_id":"c","statsd_host":"h"}"#,
                "it has no \"statsd_port\"".to_owned(),
            ),
            (
                r#"{"container_id":1,"statsd_host":"h","statsd_port":1}"#,
                "its \"container_id\" is 1; allowed: a string".to_owned(),
            ),
            (
                r#"{"container_id":"c","statsd_host":null,"statsd_port":1}"#,
                "its \"statsd_host\" is null; allowed: a string".to_owned(),
            ),
            (
                r#"{"container_id":"c","statsd_host":"h","statsd_port":"123"}"#,
                format!("its \"statsd_port\" is \"123\"{port}"),
            ),
            (
                r#"{"container_id":"c","statsd_host":"h","statsd_port":-1}"#,
                format!("its \"statsd_port\" is -1{port}"),
            ),
            (
                r#"{"container_id":"c","statsd_host":"h","statsd_port":0}"#,
                format!("its \"statsd_port\" is 0{port}"),
            ),
            (
                r#"{"container_id":"c","statsd_host":"h","statsd_port":65536}"#,
                format!("its \"statsd_port\" is 65536{port}"),
            ),
            (
                r#"{"container_id":"c","statsd_host":"h","statsd_port":1.5}"#,
                format!("its \"statsd_port\" is 1.5{port}"),
            ),
            (
                r#"{"container_id":"c","statsd_host":"h","statsd_port":1,"executor_id":{}}"#,
                "its \"executor_id\" is {}; allowed: a string".to_owned(),
            ),
            (
                r#"{"container_id":"c","statsd_host":"h","statsd_port":1,"parents":["a",1]}"#,
                "its \"parents\" is [\"a\",1]; allowed: an array of strings".to_owned(),
            ),
        ] {
            assert_eq!(
                StoredEndpoint::from_json(json.as_bytes())
                    .unwrap_err()
                    .to_string(),
                reason,
                "{json}"
            );
        }
        assert!(StoredEndpoint::from_json(b"{\"container_id\":\"\xff\"}").is_err());
        let deep = "[".repeat(60_000);
        assert!(StoredEndpoint::from_json(format!(r#"{{"x":{deep}"#).as_bytes()).is_err());
    }

    #[test]
    fn a_long_wrong_value_is_cut() {
        let json = format!(
            r#"{{"container_id":["{}"],"statsd_host":"h","statsd_port":1}}"#,
            "\u{e9}".repeat(30_000)
        );
        let reason = StoredEndpoint::from_json(json.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(
            reason.chars().count() < 150 && reason.ends_with("...; allowed: a string"),
            "{reason}"
        );
    }

    /// Found by the fuzz target `state_file`.
    #[test]
    fn a_long_text_instead_of_an_object_is_not_repeated() {
        let json = format!("\"{}\"", "x".repeat(MAX_FILE_BYTES - 2));
        assert_eq!(
            StoredEndpoint::from_json(json.as_bytes())
                .unwrap_err()
                .to_string(),
            "it is no JSON object: it is a string"
        );
    }

    #[test]
    fn refuses_to_write_what_it_would_not_read() {
        let mut stored = endpoint(ContainerId::new("c"), "", "");
        stored.port = 0;
        assert_eq!(stored.to_json().unwrap_err().kind(), ErrorKind::InvalidInput);
        let stored = endpoint(ContainerId::new("c".repeat(MAX_FILE_BYTES)), "", "");
        let error = stored.to_json().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().ends_with("bytes; allowed: 65536"), "{error}");
    }

    proptest! {
        #[test]
        fn any_endpoint_comes_back(
            parents in prop::collection::vec(".*", 0..3),
            leaf in ".*",
            host in ".*",
            port in 1_u16..,
            framework_id in ".*",
            executor_id in ".*",
            sandbox in ".*",
        ) {
            let container = Container { id: ContainerId::nested(parents, leaf), framework_id, executor_id };
            let stored = StoredEndpoint { container, host, port, sandbox };
            prop_assert_eq!(StoredEndpoint::from_json(&stored.to_json().unwrap()).unwrap(), stored);
        }
    }
}
