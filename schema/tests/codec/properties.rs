//! What must hold for any input, checked against twins too simple to be wrong.

use super::oracle::{codecs, their_reading, their_writing, value};
use super::*;
use apache_avro::types::Value;
use proptest::collection::vec;
use proptest::prelude::*;
use stats_schema::{CustomTags, Identity, Part, write_block};
use std::collections::BTreeMap;

fn any_text() -> impl Strategy<Value = String> {
    // The empty text, short ones of any characters, and one whose length takes two bytes.
    prop_oneof![1 => Just(String::new()), 8 => ".{1,6}", 1 => "[a-z]{64,70}"]
}

fn any_tags() -> impl Strategy<Value = Vec<Tag>> {
    vec(
        (any_text(), any_text()).prop_map(|(key, value)| Tag { key, value }),
        0..4,
    )
}

fn any_datapoint() -> impl Strategy<Value = Datapoint> {
    let types = proptest::sample::select(&MetricType::ALL);
    (
        any_text(),
        any::<i64>(),
        any::<f64>(),
        types,
        any::<f64>(),
        proptest::option::of(any_text()),
    )
        .prop_map(
            |(name, time_ms, value, metric_type, sample_rate, text)| Datapoint {
                name,
                time_ms,
                value,
                metric_type,
                sample_rate,
                text,
            },
        )
}

fn any_list() -> impl Strategy<Value = MetricList> {
    (any_text(), any_tags(), vec(any_datapoint(), 0..4)).prop_map(|(topic, tags, datapoints)| MetricList {
        topic,
        tags,
        datapoints,
    })
}

fn any_layout() -> impl Strategy<Value = Layout> {
    prop_oneof![Just(Layout::Old), Just(Layout::Typed)]
}

/// A datapoint as a layout carries it.
fn carried(layout: Layout, point: &Datapoint) -> Datapoint {
    match layout {
        Layout::Old => datapoint(&point.name, point.time_ms, point.value),
        Layout::Typed => point.clone(),
    }
}

/// The naive twin of the encoder: groups owned records, then writes them by the book.
mod twin {
    use super::*;

    pub(super) fn long(value: i64) -> Vec<u8> {
        let value = i128::from(value);
        let mut rest = if value < 0 { -2 * value - 1 } else { 2 * value };
        let mut out = Vec::new();
        while rest >= 128 {
            out.push(u8::try_from(rest % 128 + 128).unwrap());
            rest /= 128;
        }
        out.push(u8::try_from(rest).unwrap());
        out
    }

    fn text(text: &str) -> Vec<u8> {
        [long(i64::try_from(text.len()).unwrap()), text.into()].concat()
    }

    fn array(items: &[Vec<u8>]) -> Vec<u8> {
        if items.is_empty() {
            return vec![0];
        }
        [long(i64::try_from(items.len()).unwrap()), items.concat(), vec![0]].concat()
    }

    fn datapoint(layout: Layout, point: &Datapoint) -> Vec<u8> {
        let mut out = [
            text(&point.name),
            long(point.time_ms),
            point.value.to_le_bytes().into(),
        ]
        .concat();
        if layout == Layout::Typed {
            let index = MetricType::ALL
                .iter()
                .position(|known| *known == point.metric_type)
                .unwrap();
            out.extend(long(i64::try_from(index).unwrap()));
            out.extend(point.sample_rate.to_le_bytes());
            match &point.text {
                None => out.extend(long(0)),
                Some(member) => out.extend([long(1), text(member)].concat()),
            }
        }
        out
    }

    fn record(layout: Layout, list: &MetricList) -> Vec<u8> {
        let tags: Vec<_> = list
            .tags
            .iter()
            .map(|tag| [text(&tag.key), text(&tag.value)].concat())
            .collect();
        let datapoints: Vec<_> = list
            .datapoints
            .iter()
            .map(|point| datapoint(layout, point))
            .collect();
        [text(&list.topic), array(&tags), array(&datapoints)].concat()
    }

    /// The records of a block: for every container the list without custom tags, then the others.
    pub(super) fn group(containers: &[(String, Vec<Tag>)], lines: &[Line]) -> Vec<MetricList> {
        let mut grouped: BTreeMap<usize, Vec<MetricList>> = BTreeMap::new();
        for line in lines {
            let at = line.container % containers.len();
            let (topic, identity) = containers[at].clone();
            let lists = grouped.entry(at).or_insert_with(|| {
                vec![MetricList {
                    topic: topic.clone(),
                    tags: identity.clone(),
                    datapoints: vec![],
                }]
            });
            if line.tags.is_empty() {
                lists[0].datapoints.push(line.datapoint.clone());
            } else {
                let tags = [identity, line.tags.clone()].concat();
                lists.push(MetricList {
                    topic,
                    tags,
                    datapoints: vec![line.datapoint.clone()],
                });
            }
        }
        grouped
            .into_values()
            .flatten()
            .filter(|list| !list.datapoints.is_empty())
            .collect()
    }

    pub(super) fn block(layout: Layout, lists: &[MetricList]) -> Vec<u8> {
        if lists.is_empty() {
            return vec![];
        }
        let records: Vec<u8> = lists.iter().flat_map(|list| record(layout, list)).collect();
        let count = long(i64::try_from(lists.len()).unwrap());
        let size = long(i64::try_from(records.len()).unwrap());
        [count, size, records, stats_schema::SYNC_MARKER.to_vec()].concat()
    }
}

/// A parsed line of some container.
#[derive(Clone, Debug)]
struct Line {
    container: usize,
    tags: Vec<Tag>,
    datapoint: Datapoint,
}

fn any_line() -> impl Strategy<Value = Line> {
    (any::<usize>(), any_tags(), any_datapoint()).prop_map(|(container, tags, datapoint)| Line {
        container,
        tags,
        datapoint,
    })
}

/// Vector 6.2.
#[test]
fn grouping_of_mixed_lines() {
    let line = |container, name: &str, value, tags: &[(&str, &str)]| Line {
        container,
        tags: list("", tags, &[]).tags,
        datapoint: datapoint(name, 9, value),
    };
    let mut containers = Vec::new();
    for (framework, container) in [("f1", "c1"), ("f1", "c2"), ("f2", "c3")] {
        let tags = [
            ("framework_id", framework),
            ("executor_id", "e"),
            ("container_id", container),
        ];
        containers.push((framework.to_owned(), list("", &tags, &[]).tags));
    }
    containers.push(("unknown_container".into(), vec![]));
    let mut lines = Vec::new();
    for container in [3, 0, 2, 1] {
        lines.push(line(container, "v10", 10.0, &[("ta", "va")]));
        lines.push(line(container, "v1", 1.0, &[]));
        lines.push(line(container, "v11", 11.0, &[("ta", "va")]));
        lines.push(line(container, "v2", 2.0, &[]));
        lines.push(line(container, "v12", 12.0, &[("tb", "vb")]));
        lines.push(line(container, "v13", 13.0, &[("tb", "vb"), ("tx", "vx")]));
        lines.push(line(container, "v3", 3.0, &[]));
    }
    let bytes = encode(Layout::Old, &containers, &lines);
    let lists = read(&[Layout::Old.header(), &bytes].concat()).lists;
    assert_eq!(
        lists.len(),
        20,
        "one list without and four with custom tags for each of four containers"
    );
    for ((topic, identity), lists) in containers.iter().zip(lists.chunks(5)) {
        let custom = [("ta", "va"), ("ta", "va"), ("tb", "vb"), ("tb", "vb")];
        let points = [
            datapoint("v1", 9, 1.0),
            datapoint("v2", 9, 2.0),
            datapoint("v3", 9, 3.0),
        ];
        assert_eq!(
            lists[0],
            MetricList {
                topic: topic.clone(),
                tags: identity.clone(),
                datapoints: points.into()
            }
        );
        for ((list, (key, value)), number) in lists[1..].iter().zip(custom).zip(10..) {
            assert_eq!((&list.topic, list.datapoints.len()), (topic, 1));
            assert_eq!(list.datapoints[0].name, format!("v{number}"));
            let tags = identity.len();
            assert_eq!(list.tags[..tags], identity[..]);
            assert_eq!(
                (&list.tags[tags].key[..], &list.tags[tags].value[..]),
                (key, value)
            );
            assert_eq!(list.tags.len(), tags + if number == 13 { 2 } else { 1 });
        }
    }
}

fn encode(layout: Layout, containers: &[(String, Vec<Tag>)], lines: &[Line]) -> Vec<u8> {
    let identities: Vec<_> = containers
        .iter()
        .map(|(topic, tags)| {
            let tags: Vec<_> = tags.iter().map(|tag| (&tag.key[..], &tag.value[..])).collect();
            Identity::new(topic, &tags)
        })
        .collect();
    let mut parts = vec![Part::default(); containers.len()];
    let mut tags = CustomTags::default();
    for line in lines {
        let at = line.container % containers.len();
        tags.clear();
        line.tags.iter().for_each(|tag| tags.push(&tag.key, &tag.value));
        assert_eq!(
            (tags.len(), tags.is_empty()),
            (line.tags.len(), line.tags.is_empty())
        );
        parts[at].push(layout, &identities[at], &tags, &(&line.datapoint).into());
    }
    assert_eq!(parts.iter().map(Part::datapoints).sum::<usize>(), lines.len());
    let mut out = Vec::new();
    write_block(&mut out, identities.iter().zip(&parts));
    // The count of a list without tags takes one byte here, and that of the block's records and bytes
    // is not the part's.
    let parts: usize = parts.iter().map(Part::bytes).sum();
    assert!(
        out.is_empty() || (parts + 2..=parts + 8).contains(&(out.len() - 16)),
        "{parts} {}",
        out.len()
    );
    out
}

proptest! {
    #[test]
    fn longs_are_the_twins(value in prop_oneof![any::<i64>(), -70i64..70, any::<i32>().prop_map(i64::from)]) {
        let mut out = Vec::new();
        put_long(&mut out, value);
        prop_assert_eq!(out, twin::long(value));
    }

    #[test]
    fn parts_are_the_twins(
        layout in any_layout(),
        containers in vec((any_text(), any_tags()), 1..4),
        lines in vec(any_line(), 0..12),
    ) {
        let lists = twin::group(&containers, &lines);
        prop_assert_eq!(encode(layout, &containers, &lines), twin::block(layout, &lists));
    }

    #[test]
    fn records_are_the_twins(layout in any_layout(), lists in vec(any_list(), 0..5)) {
        let kept: Vec<_> = lists.iter().filter(|list| **list != MetricList::default()).cloned().collect();
        let expected = [layout.header(), &twin::block(layout, &kept)].concat();
        prop_assert_eq!(file_of(layout, &lists), expected);
    }

    #[test]
    fn any_chunking_gives_the_records_back(
        layout in any_layout(),
        blocks in vec(vec(any_list(), 1..4), 0..4),
        cuts in vec(1usize..300, 1..20),
    ) {
        let mut stream = layout.header().to_vec();
        let mut expected = Vec::new();
        for lists in &blocks {
            stream.extend_from_slice(&file_of(layout, lists)[layout.header().len()..]);
            for list in lists.iter().filter(|list| **list != MetricList::default()) {
                let datapoints = list.datapoints.iter().map(|point| carried(layout, point)).collect();
                expected.push(MetricList { datapoints, ..list.clone() });
            }
        }
        let outcome = read_pieces(pieces(&stream, &cuts), Limits::default());
        prop_assert_eq!(outcome.end, Ok(()));
        prop_assert_eq!(outcome.lists, expected);
    }

    /// Any flaw in any place: the outcome depends on the bytes, not on how they arrive.
    #[test]
    fn flawed_streams_end_the_same_in_any_chunking(
        lists in vec(any_list(), 1..4),
        codec in 0usize..3,
        flaws in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cuts in vec(1usize..300, 1..20),
    ) {
        let values: Vec<_> = lists.iter().map(|list| value(Layout::Typed, list)).collect();
        let mut stream = their_writing(Layout::Typed.schema_json(), codecs()[codec], &values);
        for (at, byte) in flaws {
            *at.get_mut(&mut stream[..]) = byte;
        }
        let whole = read_pieces([&stream[..]], Limits::default());
        let cut = read_pieces(pieces(&stream, &cuts), Limits::default());
        // NaN is not equal to itself, so the records are compared as text.
        prop_assert_eq!(format!("{cut:?}"), format!("{whole:?}"));
    }

    #[test]
    fn apache_avro_agrees(layout in any_layout(), lists in vec(any_list(), 0..5), cuts in vec(1usize..300, 1..20)) {
        let lists: Vec<_> = lists.into_iter().filter(|list| *list != MetricList::default()).collect();
        let values: Vec<_> = lists.iter().map(|list| value(layout, list)).collect();
        prop_assert_eq!(&their_reading(&file_of(layout, &lists), layout), &values);
        for codec in codecs() {
            let file = their_writing(layout.schema_json(), codec, &values);
            let outcome = read_pieces(pieces(&file, &cuts), Limits::default());
            prop_assert_eq!(outcome.end, Ok(()));
            let read: Vec<_> = outcome.lists.iter().map(|list| value(layout, list)).collect();
            prop_assert_eq!(&read, &values);
        }
    }

    /// A writer with fields of its own between ours, in an order of its own.
    #[test]
    fn foreign_writers_are_understood(
        lists in vec(any_list(), 1..4),
        extra in vec(0usize..EXTRA.len(), 3),
        turns in [0usize..4, 0..3, 0..7],
    ) {
        let schema = foreign_schema(&extra, &turns);
        let values: Vec<_> =
            lists.iter().map(|list| foreign_value(value(Layout::Typed, list), &extra, &turns)).collect();
        let outcome = read_pieces([&their_writing(&schema, codecs()[0], &values)[..]], Limits::default());
        prop_assert_eq!(outcome.end, Ok(()));
        prop_assert_eq!(outcome.lists, lists);
    }
}

/// `stream` in pieces of the given sizes, again and again.
fn pieces<'a>(mut stream: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if stream.is_empty() {
            break;
        }
        let (piece, rest) = stream.split_at(stream.len().min(*size));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

/// Types of fields that are none of ours.
const EXTRA: [&str; 8] = [
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
fn foreign_schema(extra: &[usize], turns: &[usize]) -> String {
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

fn foreign_value(list: Value, extra: &[usize], turns: &[usize]) -> Value {
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
