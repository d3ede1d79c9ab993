//! apache-avro reads what we write, and we read what it writes.

use super::*;
use apache_avro::types::Value;
use apache_avro::{Codec, DeflateSettings, Reader, Schema, Writer};

/// A list as apache-avro sees it.
pub(super) fn value(layout: Layout, list: &MetricList) -> Value {
    let text = |text: &str| Value::String(text.into());
    let tags = list.tags.iter().map(|tag| {
        Value::Record(vec![
            ("key".into(), text(&tag.key)),
            ("value".into(), text(&tag.value)),
        ])
    });
    let datapoints = list.datapoints.iter().map(|datapoint| {
        let mut fields = vec![
            ("name".into(), text(&datapoint.name)),
            ("time_ms".into(), Value::Long(datapoint.time_ms)),
            ("value".into(), Value::Double(datapoint.value)),
        ];
        if layout == Layout::Typed {
            let symbol = Value::Enum(datapoint.metric_type as u32, datapoint.metric_type.to_string());
            let member = match &datapoint.text {
                None => Value::Union(0, Value::Null.into()),
                Some(member) => Value::Union(1, text(member).into()),
            };
            fields.push(("type".into(), symbol));
            fields.push(("sample_rate".into(), Value::Double(datapoint.sample_rate)));
            fields.push(("text".into(), member));
        }
        Value::Record(fields)
    });
    Value::Record(vec![
        ("topic".into(), text(&list.topic)),
        ("tags".into(), Value::Array(tags.collect())),
        ("datapoints".into(), Value::Array(datapoints.collect())),
    ])
}

/// What apache-avro reads from `file`, resolved to the schema of `layout`.
pub(super) fn their_reading(file: &[u8], layout: Layout) -> Vec<Value> {
    let schema = Schema::parse_str(layout.schema_json()).unwrap();
    let reader = Reader::builder(file).reader_schema(&schema).build().unwrap();
    reader.collect::<Result<_, _>>().unwrap()
}

/// What apache-avro writes.
pub(super) fn their_writing(schema: &str, codec: Codec, values: &[Value]) -> Vec<u8> {
    let schema = Schema::parse_str(schema).unwrap();
    let mut writer = Writer::with_codec(&schema, Vec::new(), codec).unwrap();
    for (index, value) in values.iter().enumerate() {
        writer.append_value_ref(value).unwrap();
        if index % 3 == 2 {
            writer.flush().unwrap();
        }
    }
    writer.into_inner().unwrap()
}

pub(super) fn codecs() -> [Codec; 3] {
    [
        Codec::Null,
        Codec::Deflate(DeflateSettings::default()),
        Codec::Snappy,
    ]
}

fn typed_lists() -> Vec<MetricList> {
    let counter = Datapoint {
        metric_type: MetricType::Counter,
        sample_rate: 0.5,
        ..datapoint("c", 1, 4.0)
    };
    vec![
        list(
            "f1",
            &[("framework_id", "f1"), ("k", "")],
            &[counter, member("s", "bob")],
        ),
        list("f2", &[], &[datapoint("n", i64::MIN, f64::NEG_INFINITY)]),
        list("f3", &[], &[]),
        list(
            "unknown_container",
            &[("\u{e9}", "\u{1f980}")],
            &[datapoint("", -1, 1e-300)],
        ),
    ]
}

fn untyped(lists: &[MetricList]) -> Vec<MetricList> {
    let mut lists = lists.to_vec();
    for point in lists.iter_mut().flat_map(|list| &mut list.datapoints) {
        *point = datapoint(&point.name, point.time_ms, point.value);
    }
    lists
}

fn values(layout: Layout, lists: &[MetricList]) -> Vec<Value> {
    lists.iter().map(|list| value(layout, list)).collect()
}

#[test]
fn they_read_ours() {
    let lists = typed_lists();
    for layout in [Layout::Old, Layout::Typed] {
        let file = file_of(layout, &lists);
        assert_eq!(their_reading(&file, layout), values(layout, &lists), "{layout:?}");
    }
}

/// A reader of 2016 resolves a typed stream to what it knows.
#[test]
fn old_readers_read_typed_streams() {
    let lists = typed_lists();
    assert_eq!(
        their_reading(&file_of(Layout::Typed, &lists), Layout::Old),
        values(Layout::Old, &lists)
    );
}

/// A reader of the typed schema gives an old stream the defaults, which are the ones we give it.
#[test]
fn typed_readers_read_old_streams() {
    let lists = typed_lists();
    let file = file_of(Layout::Old, &lists);
    assert_eq!(
        their_reading(&file, Layout::Typed),
        values(Layout::Typed, &untyped(&lists))
    );
    assert_eq!(read(&file).lists, untyped(&lists));
}

#[test]
fn we_read_theirs() {
    let lists = typed_lists();
    for codec in codecs() {
        for (layout, expected) in [(Layout::Old, untyped(&lists)), (Layout::Typed, lists.clone())] {
            let file = their_writing(layout.schema_json(), codec, &values(layout, &lists));
            let expected = Outcome {
                lists: expected,
                blocks: 2,
                end: Ok(()),
            };
            assert_eq!(read(&file), expected, "{layout:?} {codec:?}");
        }
    }
}
