//! Streams that are not all right: each is given up with an error that says what, where, and what is allowed.

use super::*;

/// Checks the text an outcome ends with, and that what came before was read.
#[track_caller]
fn refused(what: &str, stream: &[u8], records_before: usize, expected: &str) {
    let outcome = read(stream);
    assert_eq!(outcome.error(), expected, "{what}");
    assert_eq!(outcome.lists.len(), records_before, "{what}");
}

const LONG_TEN: [u8; 10] = [0xff; 10];

#[test]
fn headers() {
    let started = |rest: &[u8]| [b"Obj\x01".as_slice(), rest].concat();
    let huge = |bytes: &[u8]| {
        let mut out = started(b"\x02");
        put_long(&mut out, 1 << 40);
        out.extend_from_slice(bytes);
        out
    };
    let table: [(&str, Vec<u8>, &str); 16] = [
        (
            "another protocol",
            b"GET / HTTP/1.1".to_vec(),
            "at byte 0: stream begins with [47, 45, 54, 20], an Avro object container file with [4f, 62, 6a, 01]",
        ),
        (
            "another version",
            b"Obj\x02".to_vec(),
            "at byte 0: stream begins with [4f, 62, 6a, 02], an Avro object container file with [4f, 62, 6a, 01]",
        ),
        (
            "endless number",
            started(&LONG_TEN),
            "at byte 4: number of metadata entries takes more than the 64 bits allowed",
        ),
        (
            "endless size",
            started(&[&[1], LONG_TEN.as_slice()].concat()),
            "at byte 4: number of metadata entries takes more than the 64 bits allowed",
        ),
        (
            "negative length",
            started(b"\x02\x01"),
            "at byte 5: length of a metadata key is -1, allowed is 0 to 9223372036854775807",
        ),
        (
            "huge length",
            huge(b""),
            "at byte 5: size of the header is 1099511627787, allowed is 0 to 65536",
        ),
        (
            "endless entries",
            // 2^62 of them.
            started(
                &[
                    &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
                    vec![0; 70_000].as_slice(),
                ]
                .concat(),
            ),
            "at byte 65536: size of the header is 65537, allowed is 0 to 65536",
        ),
        (
            "no schema",
            header(&[("avro.codec", b"null")]),
            "at byte 22: avro.schema: it is missing",
        ),
        (
            "no metadata",
            header(&[]),
            "at byte 5: avro.schema: it is missing",
        ),
        (
            "schema no text",
            header(&[("avro.schema", b"\"str\xff")]),
            "at byte 17: avro.schema is not UTF-8 from its byte 4 on",
        ),
        (
            "schema no JSON",
            header(&[("avro.schema", b"record")]),
            "at byte 17: avro.schema: expected value at line 1 column 1",
        ),
        (
            "schema nested",
            header(&[("avro.schema", "[".repeat(60_000).as_bytes())]),
            "at byte 17: avro.schema: recursion limit exceeded at line 1 column 128",
        ),
        (
            "unknown codec",
            header(&[("avro.codec", b"zstandard")]),
            "at byte 16: avro.codec is \"zstandard\", allowed are null, deflate and snappy",
        ),
        (
            "codec no text",
            header(&[("avro.codec", b"\xff\n")]),
            "at byte 16: avro.codec is \"\u{fffd}\\n\", allowed are null, deflate and snappy",
        ),
        (
            "codec endless",
            header(&[("avro.codec", "x".repeat(9999).as_bytes())]),
            "at byte 16: avro.codec is \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"..., \
             allowed are null, deflate and snappy",
        ),
        (
            "codec empty",
            header(&[("avro.codec", b"")]),
            "at byte 16: avro.codec is \"\", allowed are null, deflate and snappy",
        ),
    ];
    for (what, bytes, expected) in table {
        refused(what, &bytes, 0, &format!("header, {expected}"));
    }
}

#[test]
fn schemas() {
    let table = [
        ("7", "\"7\" is no type"),
        ("\"foo\"", "type \"foo\" is not defined"),
        (
            r#"{"name":"x"}"#,
            r#"a type or field "\"x\"" has no attribute "type""#,
        ),
        (
            r#"{"type":"array"}"#,
            r#"a type or field "\"array\"" has no attribute "items""#,
        ),
        (
            r#"{"type":"record","fields":[]}"#,
            r#"a type or field "\"record\"" has no attribute "name""#,
        ),
        (
            r#"{"type":"record","name":"r","fields":{}}"#,
            r#"attribute "fields" is "{}", no list"#,
        ),
        (
            r#"{"type":"record","name":"r","fields":[1]}"#,
            r#"a field of "r" is no object"#,
        ),
        (
            r#"{"type":"record","name":1,"fields":[]}"#,
            r#"attribute "name" is "1", no text"#,
        ),
        (
            r#"{"type":"enum","name":"e","symbols":[1]}"#,
            r#"a symbol of "e" is no text"#,
        ),
        (
            r#"{"type":"fixed","name":"f","size":-1}"#,
            r#"size of "f" is no size"#,
        ),
        (
            r#"[{"type":"fixed","name":"n.f","size":1},{"type":"enum","name":"f","namespace":"n","symbols":[]}]"#,
            r#"type "n.f" is defined twice"#,
        ),
    ];
    for (schema, expected) in table {
        let header = header(&[("avro.schema", schema.as_bytes())]);
        refused(
            schema,
            &header,
            0,
            &format!("header, at byte 17: avro.schema: {expected}"),
        );
    }
}

/// A header of ours with another sync marker, 601 bytes long, and what follows.
fn after_header(rest: &[u8]) -> Vec<u8> {
    let mut out = header(&[
        ("avro.codec", b"null"),
        ("avro.schema", Layout::Old.schema_json().as_bytes()),
    ]);
    assert_eq!(out.len(), 601);
    out.extend_from_slice(rest);
    out
}

#[test]
fn blocks() {
    let head = |records: i64, size: i64| {
        let mut out = Vec::new();
        put_long(&mut out, records);
        put_long(&mut out, size);
        out
    };
    let mut wrong_sync = block(1, b"\x02t\0\0");
    *wrong_sync.last_mut().unwrap() = b'\n';
    let table: [(&str, Vec<u8>, usize, &str); 11] = [
        (
            "negative count",
            head(-1, 0),
            0,
            "block 1, at byte 601: number of records in the block is -1, allowed is 0 to 9223372036854775807",
        ),
        (
            "least count",
            head(i64::MIN, 0),
            0,
            "block 1, at byte 601: number of records in the block is -9223372036854775808, allowed is 0 to \
             9223372036854775807",
        ),
        (
            "endless count",
            LONG_TEN.to_vec(),
            0,
            "block 1, at byte 601: number of records in the block takes more than the 64 bits allowed",
        ),
        (
            "negative size",
            head(1, -9),
            0,
            "block 1, at byte 601: size of the block is -9, allowed is 0 to 1048576",
        ),
        (
            "size beyond the limit",
            head(1, 1_048_577),
            0,
            "block 1, at byte 601: size of the block is 1048577, allowed is 0 to 1048576",
        ),
        (
            "endless size",
            [&[2], LONG_TEN.as_slice()].concat(),
            0,
            "block 1, at byte 601: size of the block takes more than the 64 bits allowed",
        ),
        (
            "more records than bytes",
            block(i64::MAX, b"\x02t\0\0"),
            0,
            "block 1, at byte 612: number of records in the block is 9223372036854775807, allowed is 0 to 4",
        ),
        (
            "another sync marker",
            wrong_sync,
            0,
            "block 1, at byte 603: sync marker is 0123456789abcde\\n, the header's is 0123456789abcdef",
        ),
        (
            "more bytes than records",
            block(1, b"\x02t\0\0\x02u\0\0"),
            1,
            "block 1, at byte 603: 4 bytes are left after the last record",
        ),
        (
            "bytes without records",
            block(0, b"\0"),
            0,
            "block 1, at byte 603: 1 bytes are left after the last record",
        ),
        (
            "fewer bytes than records",
            [block(1, b"\x02t\0\0"), block(3, b"\x02t\0\0\x02u\0\0")].concat(),
            3,
            "block 2, at byte 625, record 3: block ends inside topic",
        ),
    ];
    for (what, bytes, before, expected) in table {
        refused(what, &after_header(&bytes), before, expected);
    }
}

/// One record whose bytes are wrong.
#[test]
fn records() {
    let table: [(&[u8], &str); 17] = [
        (b"\x80", "block ends inside topic"),
        (&LONG_TEN, "topic takes more than the 64 bits allowed"),
        (b"\x01t\0\0", "topic is -1 bytes long, 3 are left"),
        (b"\x0at\0\0", "topic is 5 bytes long, 3 are left"),
        (
            b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "topic is 9223372036854775807 bytes long, 0 are left",
        ),
        (b"\x04t\xff\0\0", "topic is not UTF-8 from its byte 1 on"),
        (
            b"\x02t\x02\x02\xff\x02v\0\0",
            "tag key is not UTF-8 from its byte 0 on",
        ),
        (
            b"\x02t\x02\x02k\x02\xff\0\0",
            "tag value is not UTF-8 from its byte 0 on",
        ),
        // 2^62 tags.
        (
            b"\x02t\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
            "number of tags is 4611686018427387904, allowed is 0 to 4096",
        ),
        // -2^63 tags of one byte.
        (
            b"\x02t\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\0",
            "number of tags is 9223372036854775807, allowed is 0 to 4096",
        ),
        (
            b"\x02t\x01\x06\x02a",
            "number of tags is 3 bytes long, 2 are left",
        ),
        (
            b"\x02t\x01\x01\x02a",
            "number of tags is -1 bytes long, 2 are left",
        ),
        // 262145 datapoints.
        (
            b"\x02t\0\x82\x80\x20",
            "number of datapoints is 262145, allowed is 0 to 262144",
        ),
        (
            b"\x02t\0\x02\x02n\x0a1234567",
            "block ends inside datapoint value",
        ),
        (
            b"\x02t\0\x02\x04n\xff\x0a12345678\0",
            "datapoint name is not UTF-8 from its byte 1 on",
        ),
        (
            b"\x02t\0\x02\x02n\x0a12345678",
            "block ends inside number of datapoints",
        ),
        (b"\x02t", "block ends inside number of tags"),
    ];
    for (bytes, expected) in table {
        let stream = after_header(&block(1, bytes));
        let offset = stream.len() - SYNC.len() - bytes.len();
        refused(
            expected,
            &stream,
            0,
            &format!("block 1, at byte {offset}, record 1: {expected}"),
        );
    }
}

/// Tags in many small runs are bounded like those in one.
#[test]
fn runs_add_up() {
    let mut bytes = b"\x02t".to_vec();
    (0..=4096).for_each(|_| bytes.extend_from_slice(b"\x02\0\0"));
    bytes.extend_from_slice(b"\0\0");
    let expected = "record 1: number of tags is 4097, allowed is 0 to 4096";
    assert!(read(&after_header(&block(1, &bytes))).error().ends_with(expected));
}

#[test]
fn typed_records() {
    let table: [(&[u8], &str); 5] = [
        (b"\x10", "datapoint type is 8, allowed is 0 to 7"),
        (b"\x01", "datapoint type is -1, allowed is 0 to 7"),
        (
            b"\x0e12345678\x04",
            "branch of datapoint text is 2, allowed is 0 to 1",
        ),
        (
            b"\x0e12345678\x02\x02\xff",
            "datapoint text is not UTF-8 from its byte 0 on",
        ),
        (b"\x0e1234567", "block ends inside datapoint sample_rate"),
    ];
    for (bytes, expected) in table {
        let bytes = [b"\x02t\0\x02\x02n\x0a12345678".as_slice(), bytes].concat();
        let outcome = read(&stream(Layout::Typed.schema_json(), 1, &bytes));
        assert!(
            outcome.error().ends_with(&format!("record 1: {expected}")),
            "{}",
            outcome.error()
        );
    }
}
