//! Streams that are all right, however odd.

use super::*;

/// Vector 7.1: a header alone is a stream without records.
#[test]
fn header_alone() {
    for layout in [Layout::Old, Layout::Typed] {
        assert_eq!(
            read(layout.header()),
            Outcome {
                lists: vec![],
                blocks: 0,
                end: Ok(())
            }
        );
    }
}

#[test]
fn ours_come_back_in_both_layouts() {
    let lists = [
        list(
            "f1",
            &[("framework_id", "f1"), ("container_id", "c1")],
            &[datapoint("a", 5, 3.8), member("b", "bob")],
        ),
        list("", &[("", "")], &[]),
        list(
            "\u{1f980}",
            &[],
            &[
                datapoint("", i64::MIN, f64::INFINITY),
                datapoint("n", i64::MAX, -0.0),
            ],
        ),
    ];
    assert_eq!(read(&file_of(Layout::Typed, &lists)).lists, lists);

    let mut untyped = lists;
    untyped[0].datapoints[1] = datapoint("b", 7, 0.0);
    assert_eq!(
        read(&file_of(Layout::Old, &untyped)).lists,
        untyped,
        "defaults for what the layout lacks"
    );
}

#[test]
fn counters() {
    let lists = [list("t", &[], &[]), list("u", &[], &[])];
    let mut stream = file_of(Layout::Old, &lists);
    let one = stream.len() - Layout::Old.header().len();
    stream.extend_from_within(stream.len() - one..);
    let mut decoder = StreamDecoder::new(Limits::default());
    decoder.feed(&stream[..stream.len() - 1], |_| {}).unwrap();
    assert_eq!((decoder.blocks(), decoder.records()), (1, 2));
    assert_eq!(decoder.bytes(), stream.len() as u64 - 1);
    decoder.feed(&stream[stream.len() - 1..], |_| {}).unwrap();
    assert_eq!(
        (decoder.blocks(), decoder.records(), decoder.bytes()),
        (2, 4, stream.len() as u64)
    );
    assert_eq!(decoder.finish(), Ok(()));
}

/// A block without records is legal and does not end the stream, as it did in 2016 (metrics.md 2.3).
#[test]
fn empty_block_goes_on() {
    let mut stream = file_of(Layout::Old, &[list("before", &[], &[])]);
    stream.extend_from_slice(&[0, 0]);
    stream.extend_from_slice(&stats_schema::SYNC_MARKER);
    let second = file_of(Layout::Old, &[list("after", &[], &[])]);
    stream.extend_from_slice(&second[Layout::Old.header().len()..]);
    let outcome = read(&stream);
    assert_eq!((outcome.lists.len(), outcome.blocks, outcome.end), (2, 3, Ok(())));
}

#[test]
fn any_header_that_avro_allows() {
    let schema = Layout::Old.schema_json().as_bytes();
    let records = [b"\x02t\0\0".as_slice(), b"\x02u\0\0"].concat();
    let body = block(2, &records);
    let expected = [list("t", &[], &[]), list("u", &[], &[])];
    let headers = [
        ("no codec", header(&[("avro.schema", schema)])),
        (
            "other order",
            header(&[("avro.schema", schema), ("avro.codec", b"null")]),
        ),
        (
            "unknown keys",
            header(&[
                ("", b""),
                ("x\n", b"\xff\xfe"),
                ("avro.schema", schema),
                ("avro.x", b"1"),
            ]),
        ),
        ("two runs, one with its size", {
            let mut out = b"Obj\x01\x02".to_vec();
            put_string(&mut out, "avro.codec");
            put_bytes(&mut out, b"null");
            let mut entry = Vec::new();
            put_string(&mut entry, "avro.schema");
            put_bytes(&mut entry, schema);
            put_long(&mut out, -1);
            put_len(&mut out, entry.len());
            out.extend_from_slice(&entry);
            out.push(0);
            out.extend_from_slice(SYNC);
            out
        }),
    ];
    for (what, header) in headers {
        assert_eq!(read(&[header, body.clone()].concat()).lists, expected, "{what}");
    }
}

/// Avro lets a writer split an array into runs, negate a run's count to add its size, and pad a number.
#[test]
fn any_array_that_avro_allows() {
    let mut bytes = b"\x02t".to_vec();
    bytes.extend_from_slice(b"\x02\x02a\x02b"); // one tag
    bytes.extend_from_slice(b"\x01\x08\x02c\x02d"); // another one, of 4 bytes
    bytes.extend_from_slice(b"\x84\0\x02e\x02f\x02g\x02h"); // two, the count in two bytes
    bytes.extend_from_slice(b"\0\0");
    let tags = [("a", "b"), ("c", "d"), ("e", "f"), ("g", "h")];
    let outcome = read(&stream(Layout::Old.schema_json(), 1, &bytes));
    assert_eq!(
        outcome,
        Outcome {
            lists: vec![list("t", &tags, &[])],
            blocks: 1,
            end: Ok(())
        }
    );
}

#[test]
fn end_inside_something_is_an_error() {
    let whole = file_of(Layout::Old, &[list("t", &[], &[])]);
    let header = Layout::Old.header().len();
    for end in 0..whole.len() {
        let expected = match end {
            _ if end < header => format!("stream ends at byte {end}, inside the header"),
            _ if end == header => "no error".into(),
            _ => format!("stream ends at byte {end}, inside a block"),
        };
        assert_eq!(read_pieces([&whole[..end]], Limits::default()).error(), expected);
    }
}
