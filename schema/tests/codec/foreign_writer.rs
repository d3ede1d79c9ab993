//! A writer whose schema has fields of its own between ours, in an order of its own.

use super::MetricType;
use apache_avro::types::Value;

/// Types of fields that are none of ours.
pub(super) const EXTRA: [&str; 8] = [
    r#""null""#,
    r#""boolean""#,
    r#""double""#,
    r#"["null","bytes"]"#,
    r#"{"type":"fixed","name":"FIXED","size":3}"#,
    r#"{"type":"map","values":{"type":"array","items":"float"}}"#,
    r#"{"type":"array","items":["string","long"]}"#,
    r#"{"type":"record","name":"RECORD","fields":[{"name":"topic","type":["null","RECORD"]}]}"#,
];

fn extra_value(kind: usize) -> Value {
    let floats = Value::Array(vec![Value::Float(1.0), Value::Float(f32::NAN)]);
    match kind {
        0 => Value::Null,
        1 => Value::Boolean(true),
        2 => Value::Double(1.5),
        3 => Value::Union(1, Value::Bytes(vec![0xff; 70]).into()),
        4 => Value::Fixed(3, vec![1, 2, 3]),
        5 => Value::Map([("a".to_owned(), floats.clone()), ("b".to_owned(), floats)].into()),
        6 => Value::Array(vec![
            Value::Union(1, Value::Long(-1).into()),
            Value::Union(0, Value::String("x".into()).into()),
        ]),
        _ => {
            let inner = Value::Record(vec![("topic".into(), Value::Union(0, Value::Null.into()))]);
            Value::Record(vec![("topic".into(), Value::Union(1, inner.into()))])
        }
    }
}

/// The typed schema with an extra field in each of its three records, the fields of each turned around.
pub(super) fn schema(extra: &[usize], turns: &[usize]) -> String {
    let record = |name: &str, level: usize, fields: &[(&str, &str)]| {
        let own = EXTRA[extra[level]]
            .replace("FIXED", &format!("F{level}"))
            .replace("RECORD", &format!("R{level}"));
        let mut fields = fields.to_vec();
        fields.push(("extra", &own));
        fields.rotate_left(turns[level]);
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, ty)| format!(r#"{{"type":{ty},"name":"{name}"}}"#))
            .collect();
        format!(
            r#"{{"name":"{name}","namespace":"x.y","type":"record","fields":[{}]}}"#,
            fields.join(",")
        )
    };
    let array = |items: &str| format!(r#"{{"items":{items},"type":"array"}}"#);
    let tag = record("T", 1, &[("key", "\"string\""), ("value", "\"string\"")]);
    let symbols = MetricType::ALL.map(|known| format!("\"{known}\"")).join(",");
    let symbols = format!(r#"{{"type":"enum","name":"E","symbols":[{symbols}]}}"#);
    let fields = [
        ("name", "\"string\""),
        ("time_ms", r#"{"type":"long","logicalType":"timestamp-millis"}"#),
        ("value", "\"double\""),
        ("type", &symbols),
        ("sample_rate", "\"double\""),
        ("text", r#"["null","string"]"#),
    ];
    let point = record("P", 2, &fields);
    record(
        "L",
        0,
        &[
            ("topic", "\"string\""),
            ("tags", &array(&tag)),
            ("datapoints", &array(&point)),
        ],
    )
}

pub(super) fn rewritten(list: Value, extra: &[usize], turns: &[usize]) -> Value {
    let own = |mut fields: Vec<(String, Value)>, level: usize| {
        fields.push(("extra".into(), extra_value(extra[level])));
        fields.rotate_left(turns[level]);
        for (name, value) in &mut fields {
            if let ("time_ms", Value::Long(time)) = (&name[..], &value) {
                *value = Value::TimestampMillis(*time);
            }
        }
        Value::Record(fields)
    };
    let Value::Record(fields) = list else {
        panic!("a list is a record")
    };
    let fields = fields.into_iter().map(|(name, value)| match (&name[..], value) {
        (level @ ("tags" | "datapoints"), Value::Array(items)) => {
            let level = if level == "tags" { 1 } else { 2 };
            let items = items.into_iter().map(|item| match item {
                Value::Record(fields) => own(fields, level),
                other => other,
            });
            (name, Value::Array(items.collect()))
        }
        (_, value) => (name, value),
    });
    own(fields.collect(), 0)
}
