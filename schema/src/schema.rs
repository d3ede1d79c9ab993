//! The two schemas a stream of ours can have, and its header for each.

/// The sixteen bytes that end the header and every block. Constant, as it was in 2016
/// (`reference/metrics.md` 1.19); readers must take whatever the header says.
pub const SYNC_MARKER: [u8; 16] = *b"FEFEFEFEFEFEFEFE";

/// Which fields a datapoint has on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Name, time and value: the schema of 2016, `metrics-2016.avsc`.
    Old,
    /// The old fields, then type, sample rate and text, each with a default: `metrics.avsc`.
    Typed,
}

impl Layout {
    /// The schema as the header carries it: no `doc`, keys sorted, no whitespace (`reference/metrics.md` 5.2).
    #[must_use]
    pub fn schema_json(self) -> &'static str {
        match self {
            Self::Old => OLD_JSON,
            Self::Typed => TYPED_JSON,
        }
    }

    /// What a stream begins with, up to and including the first sync marker; 601 bytes for [`Layout::Old`].
    #[must_use]
    pub fn header(self) -> &'static [u8] {
        match self {
            Self::Old => &OLD_HEADER,
            Self::Typed => &TYPED_HEADER,
        }
    }

    /// What a connection to a collector begins with: the header, which for [`Layout::Typed`] also asks for
    /// acknowledgements.
    ///
    /// A collector that knows them sends, as soon as it has the header and then again and again, how many blocks of
    /// this connection it has taken over so far: eight bytes, the most significant first. One that does not ignores the
    /// entry, as Avro demands of readers, and sends nothing.
    #[must_use]
    pub fn connection_header(self) -> &'static [u8] {
        match self {
            Self::Old => &OLD_HEADER,
            Self::Typed => &ACKNOWLEDGED_HEADER,
        }
    }
}

/// The metadata entry that asks for acknowledgements, key and value.
#[cfg(feature = "decode")]
pub(crate) const ACKNOWLEDGE: (&[u8], &[u8]) = (b"dcos.metrics.acknowledge", b"blocks");

// A test derives these texts from the .avsc files.
macro_rules! metric_list {
    ($added:literal) => {
        concat!(
            r#"{"fields":[{"name":"topic","type":"string"},{"name":"tags","type":{"items":{"fields":["#,
            r#"{"name":"key","type":"string"},{"name":"value","type":"string"}],"#,
            r#""name":"Tag","namespace":"dcos.metrics","type":"record"},"type":"array"}},"#,
            r#"{"name":"datapoints","type":{"items":{"fields":[{"name":"name","type":"string"},"#,
            r#"{"logicalType":"timestamp-millis","name":"time_ms","type":"long"},"#,
            r#"{"name":"value","type":"double"}"#,
            $added,
            r#"],"name":"Datapoint","namespace":"dcos.metrics","type":"record"},"type":"array"}}],"#,
            r#""name":"MetricList","namespace":"dcos.metrics","type":"record"}"#
        )
    };
}

const OLD_JSON: &str = metric_list!("");
const TYPED_JSON: &str = metric_list!(
    r#",{"default":"unknown","name":"type","type":{"default":"unknown","name":"MetricType","namespace":"dcos.metrics","symbols":["unknown","counter","gauge","gauge_delta","timer","histogram","distribution","set"],"type":"enum"}},{"default":1.0,"name":"sample_rate","type":"double"},{"default":null,"name":"text","type":["null","string"]}"#
);

static OLD_HEADER: [u8; header_len(PLAIN_START, OLD_JSON)] = header(PLAIN_START, OLD_JSON);
static TYPED_HEADER: [u8; header_len(PLAIN_START, TYPED_JSON)] = header(PLAIN_START, TYPED_JSON);
static ACKNOWLEDGED_HEADER: [u8; header_len(ACKNOWLEDGED_START, TYPED_JSON)] =
    header(ACKNOWLEDGED_START, TYPED_JSON);

/// Magic, then one map block of two entries, up to the schema's length.
const PLAIN_START: &[u8] = b"Obj\x01\x04\x14avro.codec\x08null\x16avro.schema";

/// The same with three.
const ACKNOWLEDGED_START: &[u8] =
    b"Obj\x01\x06\x30dcos.metrics.acknowledge\x0cblocks\x14avro.codec\x08null\x16avro.schema";

const fn header_len(start: &[u8], json: &str) -> usize {
    assert!(
        64 <= json.len() && json.len() < 8192,
        "the schema's length takes two bytes on the wire"
    );
    start.len() + 2 + json.len() + 1 + SYNC_MARKER.len()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "both bytes of the length are masked or bounded above"
)]
const fn header<const N: usize>(first: &[u8], json: &str) -> [u8; N] {
    let zigzag = json.len() << 1;
    let length = [(zigzag & 0x7f) as u8 | 0x80, (zigzag >> 7) as u8];
    let mut out = [0; N];
    let (start, rest) = out.split_at_mut(first.len());
    start.copy_from_slice(first);
    let (schema_len, rest) = rest.split_at_mut(length.len());
    schema_len.copy_from_slice(&length);
    let (schema, rest) = rest.split_at_mut(json.len());
    schema.copy_from_slice(json.as_bytes());
    // The byte in between is the zero that ends the map.
    let (_, sync) = rest.split_at_mut(1);
    sync.copy_from_slice(&SYNC_MARKER);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn without_docs(value: Value) -> Value {
        match value {
            Value::Object(map) => Value::Object(
                map.into_iter()
                    .filter(|(key, _)| key != "doc")
                    .map(|(key, value)| (key, without_docs(value)))
                    .collect(),
            ),
            Value::Array(items) => Value::Array(items.into_iter().map(without_docs).collect()),
            other => other,
        }
    }

    /// Keys sorted whatever the map type serde_json was built with.
    fn compact(value: &Value) -> String {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| format!("\"{key}\":{}", compact(value)))
                    .collect();
                format!("{{{}}}", entries.join(","))
            }
            Value::Array(items) => {
                format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(","))
            }
            other => other.to_string(),
        }
    }

    #[test]
    fn compact_texts_are_the_schema_files_without_docs() {
        let files = [
            (Layout::Old, include_str!("../metrics-2016.avsc")),
            (Layout::Typed, include_str!("../metrics.avsc")),
        ];
        for (layout, file) in files {
            let file: Value = serde_json::from_str(file).unwrap();
            assert_eq!(layout.schema_json(), compact(&without_docs(file)), "{layout:?}");
        }
        assert_eq!(Layout::Old.schema_json().len(), 549);
    }

    /// Vector 7.1.
    #[test]
    fn old_header_is_the_one_of_2016() {
        let fixture = include_bytes!("../tests/data/ocf-header.bin");
        assert_eq!(fixture.len(), 601);
        assert_eq!(Layout::Old.header(), fixture);
    }
}
