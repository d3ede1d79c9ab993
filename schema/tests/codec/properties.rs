//! What must hold for any input, checked against twins too simple to be wrong.

use super::oracle::{codecs, their_reading, their_writing, value};
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use stats_schema::{CustomTags, Identity, Part, write_block};

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

/// A parsed line of some container.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) container: usize,
    pub(super) tags: Vec<Tag>,
    pub(super) datapoint: Datapoint,
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
        extra in vec(0usize..foreign_writer::EXTRA.len(), 3),
        turns in [0usize..4, 0..3, 0..7],
    ) {
        let schema = foreign_writer::schema(&extra, &turns);
        let values: Vec<_> =
            lists.iter().map(|list| foreign_writer::rewritten(value(Layout::Typed, list), &extra, &turns)).collect();
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
