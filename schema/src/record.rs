//! The records a stream carries, owned and borrowed.

use serde::Serialize;
use std::fmt;

/// What a datapoint's value means. The 2016 schema cannot say it; read from there it is [`MetricType::Unknown`].
///
/// The order is the order of the symbols in `metrics.avsc` and therefore on the wire: append, never reorder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricType {
    /// Not stated by the sender, or a type this version does not know.
    #[default]
    Unknown,
    /// An increment (`c`), already divided by its sample rate.
    Counter,
    /// A value that holds until the next one (`g`).
    Gauge,
    /// A change to a gauge (`g` with a sign).
    GaugeDelta,
    /// A duration in milliseconds (`ms`); the sample rate is its weight.
    Timer,
    /// A sample of a histogram (`h`); the sample rate is its weight.
    Histogram,
    /// A sample of a global distribution (`d`); the sample rate is its weight.
    Distribution,
    /// A member of a set (`s`), as sent, in the datapoint's text.
    Set,
}

impl MetricType {
    /// All types in wire order.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::Counter,
        Self::Gauge,
        Self::GaugeDelta,
        Self::Timer,
        Self::Histogram,
        Self::Distribution,
        Self::Set,
    ];

    /// The type with this symbol; [`MetricType::Unknown`] for one this version does not know.
    #[must_use]
    pub fn from_symbol(symbol: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == symbol)
            .unwrap_or_default()
    }

    /// The symbol in the schema and in JSON, `gauge_delta` for [`MetricType::GaugeDelta`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::GaugeDelta => "gauge_delta",
            Self::Timer => "timer",
            Self::Histogram => "histogram",
            Self::Distribution => "distribution",
            Self::Set => "set",
        }
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A label of all datapoints of a [`MetricList`]. Keys may repeat and either half may be empty: tags are kept as
/// the task sent them (`reference/metrics.md` 1.18).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Tag {
    /// What is labelled, `framework_id` for instance.
    pub key: String,
    /// The label itself.
    pub value: String,
}

/// One measured value.
///
/// As JSON, a value or rate that is no finite number becomes `null`, because JSON has no word for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Datapoint {
    /// The metric's label, unique within the topic.
    pub name: String,
    /// Milliseconds since the Unix epoch: when the module received it, or what the sender said.
    pub time_ms: i64,
    /// The number in the sender's unit. A counter's is already divided by `sample_rate`.
    pub value: f64,
    /// What `value` means.
    #[serde(rename = "type")]
    pub metric_type: MetricType,
    /// The share of events that was sent, 1.0 for all of them.
    pub sample_rate: f64,
    /// A value that is no number: the member of a set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Datapoints that share a topic and tags: the record of the stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MetricList {
    /// Where the datapoints belong: a framework's id, `unknown_container`, `agent`.
    pub topic: String,
    /// Identity tags first, then the task's own.
    pub tags: Vec<Tag>,
    /// In order of arrival.
    pub datapoints: Vec<Datapoint>,
}

/// A [`Tag`] whose texts live elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct TagRef<'a> {
    /// See [`Tag::key`].
    pub key: &'a str,
    /// See [`Tag::value`].
    pub value: &'a str,
}

/// A [`Datapoint`] whose texts live elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DatapointRef<'a> {
    /// See [`Datapoint::name`].
    pub name: &'a str,
    /// See [`Datapoint::time_ms`].
    pub time_ms: i64,
    /// See [`Datapoint::value`].
    pub value: f64,
    /// See [`Datapoint::metric_type`].
    #[serde(rename = "type")]
    pub metric_type: MetricType,
    /// See [`Datapoint::sample_rate`].
    pub sample_rate: f64,
    /// See [`Datapoint::text`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
}

/// A [`MetricList`] whose parts live elsewhere: what the decoder shows of each record. Its JSON is the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RecordRef<'a> {
    /// See [`MetricList::topic`].
    pub topic: &'a str,
    /// See [`MetricList::tags`].
    pub tags: &'a [TagRef<'a>],
    /// See [`MetricList::datapoints`].
    pub datapoints: &'a [DatapointRef<'a>],
}

impl RecordRef<'_> {
    /// A copy that outlives the buffer it was read from.
    #[must_use]
    pub fn to_owned(&self) -> MetricList {
        MetricList {
            topic: self.topic.to_owned(),
            tags: self.tags.iter().map(TagRef::to_owned).collect(),
            datapoints: self.datapoints.iter().map(DatapointRef::to_owned).collect(),
        }
    }
}

impl TagRef<'_> {
    /// A copy that outlives the buffer it was read from.
    #[must_use]
    pub fn to_owned(&self) -> Tag {
        Tag {
            key: self.key.to_owned(),
            value: self.value.to_owned(),
        }
    }
}

impl DatapointRef<'_> {
    /// A copy that outlives the buffer it was read from.
    #[must_use]
    pub fn to_owned(&self) -> Datapoint {
        Datapoint {
            name: self.name.to_owned(),
            time_ms: self.time_ms,
            value: self.value,
            metric_type: self.metric_type,
            sample_rate: self.sample_rate,
            text: self.text.map(str::to_owned),
        }
    }
}

impl<'a> From<&'a Tag> for TagRef<'a> {
    fn from(tag: &'a Tag) -> Self {
        Self {
            key: &tag.key,
            value: &tag.value,
        }
    }
}

impl<'a> From<&'a Datapoint> for DatapointRef<'a> {
    fn from(datapoint: &'a Datapoint) -> Self {
        Self {
            name: &datapoint.name,
            time_ms: datapoint.time_ms,
            value: datapoint.value,
            metric_type: datapoint.metric_type,
            sample_rate: datapoint.sample_rate,
            text: datapoint.text.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_agree_with_serde_and_wire_order() {
        for (index, metric_type) in MetricType::ALL.into_iter().enumerate() {
            assert_eq!(metric_type as usize, index);
            assert_eq!(serde_json::to_value(metric_type).unwrap(), metric_type.as_str());
            assert_eq!(metric_type.to_string(), metric_type.as_str());
            assert_eq!(MetricType::from_symbol(metric_type.as_str()), metric_type);
        }
        assert_eq!(MetricType::from_symbol("meter"), MetricType::Unknown);
    }

    #[test]
    fn json_line_of_a_list() {
        let list = MetricList {
            topic: "f".into(),
            tags: vec![Tag {
                key: "k".into(),
                value: "\"".into(),
            }],
            datapoints: vec![
                Datapoint {
                    name: "n".into(),
                    time_ms: 5,
                    value: f64::NAN,
                    metric_type: MetricType::GaugeDelta,
                    sample_rate: f64::NEG_INFINITY,
                    text: None,
                },
                Datapoint {
                    name: String::new(),
                    time_ms: -1,
                    value: 3.8,
                    metric_type: MetricType::Set,
                    sample_rate: 1.0,
                    text: Some("bob".into()),
                },
            ],
        };
        let json = concat!(
            r#"{"topic":"f","tags":[{"key":"k","value":"\""}],"datapoints":["#,
            r#"{"name":"n","time_ms":5,"value":null,"type":"gauge_delta","sample_rate":null},"#,
            r#"{"name":"","time_ms":-1,"value":3.8,"type":"set","sample_rate":1.0,"text":"bob"}]}"#
        );
        assert_eq!(serde_json::to_string(&list).unwrap(), json);
        let record = RecordRef {
            topic: &list.topic,
            tags: &list.tags.iter().map(TagRef::from).collect::<Vec<_>>(),
            datapoints: &list.datapoints.iter().map(DatapointRef::from).collect::<Vec<_>>(),
        };
        assert_eq!(serde_json::to_string(&record).unwrap(), json);
    }
}
