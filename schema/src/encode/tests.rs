use super::*;
use crate::{Datapoint, MetricList, MetricType, Tag};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn old(name: &str, time_ms: i64, value: f64) -> DatapointRef<'_> {
    DatapointRef {
        name,
        time_ms,
        value,
        metric_type: MetricType::Counter,
        sample_rate: 0.5,
        text: Some("x"),
    }
}

/// Vector 7.8, and the ends of the range.
#[test]
fn longs() {
    let table = [
        (0, "00"),
        (-1, "01"),
        (63, "7e"),
        (-64, "7f"),
        (64, "8001"),
        (1_472_688_000_123, "f6b1dcb0dc55"),
        (i64::MAX, "feffffffffffffffff01"),
        (i64::MIN, "ffffffffffffffffff01"),
    ];
    for (value, expected) in table {
        let mut out = Vec::new();
        put_long(&mut out, value);
        assert_eq!(hex(&out), expected, "{value}");
    }
}

#[test]
fn count_len_is_what_put_count_appends() {
    for shift in 0..63 {
        for count in [(1usize << shift) - 1, 1 << shift] {
            let mut out = Vec::new();
            put_count(&mut out, count);
            assert_eq!(out.len(), count_len(count), "{count}");
        }
    }
}

/// Vector 7.2.
#[test]
fn one_list() {
    let list = MetricList {
        topic: "tagged_metrics".into(),
        tags: [("k1", "v1"), ("k2", "v2"), ("k3", "v3")]
            .map(|(key, value)| Tag {
                key: key.into(),
                value: value.into(),
            })
            .into(),
        datapoints: ["pt1", "pt2", "pt3"]
            .map(|name| old(name, 5, 3.8).to_owned())
            .into(),
    };
    let mut block = Block::new(Layout::Old);
    block.push(&MetricList::default());
    block.push(&list);
    assert_eq!((block.records(), block.bytes()), (1, 76));
    let mut out = Vec::new();
    block.write(&mut out);
    assert_eq!(
        hex(&out),
        "0298011c7461676765645f6d65747269637306046b31047631046b32047632046b330476330006067074310a66666666\
         66660e40067074320a6666666666660e40067074330a6666666666660e40004645464546454645464546454645464\
         5"
    );
    block.clear();
    let mut file = Vec::new();
    block.write_file(&mut file);
    assert_eq!(file, Layout::Old.header(), "no records, no block");
}

const TIME: i64 = 1_472_688_000_123;

type Line<'a> = (&'a str, f64, &'a [(&'a str, &'a str)]);

/// A vector's bytes from lines already parsed: name, value, custom tags.
fn block_of(identity: &Identity, lines: &[Line<'_>]) -> (Vec<u8>, Part) {
    let mut part = Part::default();
    let mut tags = CustomTags::default();
    for (name, value, custom) in lines {
        tags.clear();
        custom.iter().for_each(|(key, value)| tags.push(key, value));
        part.push(Layout::Old, identity, &tags, &old(name, TIME, *value));
    }
    let mut out = Vec::new();
    write_block(&mut out, [(identity, &part)].into_iter());
    (out, part)
}

fn known(framework: &str, executor: &str, container: &str) -> Identity {
    let tags = [
        ("framework_id", framework),
        ("executor_id", executor),
        ("container_id", container),
    ];
    Identity::new(framework, &tags)
}

/// Vectors 7.3 to 7.5.
#[test]
fn blocks_of_parts() {
    let known = known("fid", "eid", "cid");
    let (bytes, part) = block_of(&known, &[("hello", 3.8, &[])]);
    assert_eq!(
        hex(&bytes),
        "029c010666696406186672616d65776f726b5f696406666964166578656375746f725f69640665696418636f6e7461696e65725f6964066\
         3696400020a68656c6c6ff6b1dcb0dc556666666666660e400046454645464546454645464546454645"
    );
    assert_eq!((bytes.len(), part.bytes(), part.datapoints()), (97, 78, 1));

    let (bytes, _) = block_of(&Identity::new("unknown_container", &[]), &[("hello", 0.0, &[])]);
    assert_eq!(
        hex(&bytes),
        "025222756e6b6e6f776e5f636f6e7461696e657200020a68656c6c6ff6b1dcb0dc5500000000000000000046454645464546454645464546454645"
    );

    let lines: [Line<'_>; 3] = [("v1", 1.0, &[]), ("v2", 2.0, &[]), ("v10", 10.0, &[("ta", "va")])];
    let (bytes, part) = block_of(&known, &lines);
    assert_eq!(
        hex(&bytes),
        "04dc020666696406186672616d65776f726b5f696406666964166578656375746f725f69640665696418636f6e7461696e65725f696406\
         6369640004047631f6b1dcb0dc55000000000000f03f047632f6b1dcb0dc550000000000000040000666696408186672616d65776f726b5f6964\
         06666964166578656375746f725f69640665696418636f6e7461696e65725f696406636964047461047661000206763130f6b1dcb0dc55000000\
         00000024400046454645464546454645464546454645"
    );
    assert_eq!((bytes.len(), part.bytes(), part.datapoints()), (193, 174, 3));
}

#[test]
fn no_datapoints_no_block_and_empty_parts_leave_no_trace() {
    let identity = known("f", "e", "c");
    let mut part = Part::default();
    let mut out = Vec::new();
    write_block(&mut out, [(&identity, &part), (&identity, &part)].into_iter());
    assert!(out.is_empty() && part.is_empty());

    part.push(Layout::Old, &identity, &CustomTags::default(), &old("a", 0, 0.0));
    let mut alone = Vec::new();
    write_block(&mut alone, [(&identity, &part)].into_iter());
    write_block(
        &mut out,
        [(&identity, &Part::default()), (&identity, &part)].into_iter(),
    );
    assert_eq!(out, alone);
}

#[test]
fn a_cleared_part_keeps_its_memory_until_told() {
    let identity = known("f", "e", "c");
    let mut part = Part::default();
    for _ in 0..100 {
        part.push(
            Layout::Old,
            &identity,
            &CustomTags::default(),
            &old("name", 0, 0.0),
        );
    }
    let grown = part.capacity();
    part.clear();
    assert!(part.is_empty() && part.bytes() == 0 && part.capacity() == grown);
    part.shrink_to(0);
    assert_eq!(part.capacity(), 0);
}

#[test]
fn typed_datapoint() {
    let mut out = Vec::new();
    let member = Datapoint {
        name: "n".into(),
        time_ms: 0,
        value: 1.0,
        metric_type: MetricType::Set,
        sample_rate: 0.5,
        text: Some("bob".into()),
    };
    put_datapoint(&mut out, Layout::Typed, &(&member).into());
    assert_eq!(hex(&out), "026e00000000000000f03f0e000000000000e03f0206626f62");
    out.clear();
    put_datapoint(
        &mut out,
        Layout::Typed,
        &DatapointRef {
            text: None,
            ..(&member).into()
        },
    );
    assert_eq!(hex(&out), "026e00000000000000f03f0e000000000000e03f00");
}
