//! KairosDB: JSON over HTTP.

use crate::backend::{Backend, DeliveryError};
use crate::batch::Batch;
use crate::counters::{Counters, add};
use crate::http::{Answer, Requests, unexpected};
use crate::numbers::{name_suffix, number};
use clap::Args;
use serde_json::{Map, Value, json};
use stats_schema::{DatapointRef, MetricType, RecordRef, TagRef};
use std::sync::Arc;
use ureq::tls::RootCerts;

/// A batch is full with this many bytes, however few datapoints they are.
const BATCH_BYTES: usize = 4 << 20;

/// The longest datapoint: KairosDB's row keys end at 64 KiB.
const DATAPOINT_BYTES: usize = 64 << 10;

/// Options of the subcommand.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "KairosDB")]
pub(crate) struct KairosOptions {
    /// KairosDB's host
    #[arg(long, env, value_name = "HOST")]
    output_host: String,

    /// KairosDB's port
    #[arg(long, env, value_name = "PORT")]
    output_port: u16,

    /// Datapoints in a request at most; 0 is no limit but that of 4 MiB
    #[arg(long, env, value_name = "COUNT", default_value_t = 1000)]
    flush_threshold: u32,
}

/// A batch for KairosDB.
pub(crate) struct Kairos {
    counters: Arc<Counters>,
    batch: Batch,
    most: usize,
    requests: Requests,
}

impl Kairos {
    pub(crate) fn new(options: &KairosOptions, counters: Arc<Counters>) -> Self {
        let url = format!(
            "http://{}:{}/api/v1/datapoints",
            options.output_host, options.output_port
        );
        let json = ("Content-Type", "application/json".to_owned());
        Self {
            counters,
            batch: Batch::default(),
            most: match options.flush_threshold {
                0 => usize::MAX,
                count => usize::try_from(count).unwrap_or(usize::MAX),
            },
            requests: Requests::new(url, vec![json], RootCerts::PlatformVerifier),
        }
    }
}

impl Backend for Kairos {
    fn append(&mut self, record: &RecordRef<'_>) -> usize {
        let tags = tags(record);
        let mut taken = 0;
        for datapoint in record.datapoints {
            if self.full() {
                break;
            }
            taken += 1;
            let text = datapoint
                .text
                .filter(|_| datapoint.metric_type == MetricType::Set);
            if text.is_none() && number(datapoint, &self.counters).is_none() {
                continue;
            }
            // Writing to a vector does not fail.
            let fits = self.batch.push(DATAPOINT_BYTES, |out| {
                let _written = serde_json::to_writer(out, &metric(datapoint, text, &tags));
            });
            if !fits {
                add(&self.counters.too_long, 1);
            }
        }
        taken
    }

    fn full(&self) -> bool {
        self.batch.len() >= self.most || self.batch.bytes() >= BATCH_BYTES
    }

    fn deliver(&mut self) -> Result<(), DeliveryError> {
        self.requests
            .deliver(&mut self.batch, self.most, &self.counters, put_array, judge)
    }
}

/// The list's tags. KairosDB wants at least one, none empty, and no colons or equal signs; of several with the same key the first
/// stays.
fn tags(record: &RecordRef<'_>) -> Value {
    let mut tags = Map::new();
    let usable = |tag: &&TagRef<'_>| !tag.key.is_empty() && !tag.value.is_empty();
    for tag in record.tags.iter().filter(usable) {
        tags.entry(legal(tag.key))
            .or_insert_with(|| legal(tag.value).into());
    }
    if tags.is_empty() {
        let topic = if record.topic.is_empty() {
            "_"
        } else {
            record.topic
        };
        tags.insert("topic".to_owned(), legal(topic).into());
    }
    tags.into()
}

fn metric(datapoint: &DatapointRef<'_>, text: Option<&str>, tags: &Value) -> Value {
    let name = if datapoint.name.is_empty() {
        "_"
    } else {
        datapoint.name
    };
    let name = name_suffix(datapoint).map_or_else(|| name.to_owned(), |suffix| format!("{name}.{suffix}"));
    let mut metric = json!({ "name": legal(&name), "timestamp": datapoint.time_ms, "value": datapoint.value, "tags": tags });
    if let Some(text) = text {
        metric["type"] = "string".into();
        metric["value"] = text.into();
    }
    metric
}

fn legal(text: &str) -> String {
    text.replace(|c: char| c.is_control() || c == ':' || c == '=', "_")
}

fn put_array(batch: &Batch, first: usize, end: usize, body: &mut Vec<u8>) {
    body.push(b'[');
    for index in first..end {
        if index > first {
            body.push(b',');
        }
        body.extend_from_slice(batch.range(index, index + 1));
    }
    body.push(b']');
}

/// What KairosDB's answer means.
fn judge(status: u16, answer: String) -> Result<Answer, String> {
    match status {
        200..=299 => Ok(Answer::Taken {
            refused: 0,
            reason: answer,
        }),
        400 | 413 => Ok(Answer::Refused(unexpected(status, &answer))),
        _ => Err(unexpected(status, &answer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_as_json() {
        let mut datapoint = DatapointRef {
            name: "a:b",
            time_ms: 1_472_688_000_123,
            value: 1.5,
            metric_type: MetricType::GaugeDelta,
            sample_rate: 1.0,
            text: None,
        };
        let tag = |key, value| TagRef { key, value };
        let all = [
            tag("k=", "v:1"),
            tag("k=", "second"),
            tag("", "x"),
            tag("e", ""),
            tag("q", "\""),
        ];
        let mut record = RecordRef {
            topic: "t",
            tags: &all,
            datapoints: &[],
        };
        let expected = json!({"name": "a_b.delta", "timestamp": 1_472_688_000_123_i64, "value": 1.5,
                              "tags": {"k_": "v_1", "q": "\""}});
        assert_eq!(metric(&datapoint, None, &tags(&record)), expected);
        record.tags = &[];
        (datapoint.name, datapoint.metric_type) = ("", MetricType::Set);
        let expected = json!({"name": "_", "timestamp": 1_472_688_000_123_i64, "type": "string", "value": "bob",
                              "tags": {"topic": "t"}});
        assert_eq!(metric(&datapoint, Some("bob"), &tags(&record)), expected);
    }
}
