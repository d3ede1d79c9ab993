//! Writers with schemas of their own.

use super::*;

/// Records of one field after the other, each `(name, type)`.
fn record(name: &str, fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, ty)| format!(r#"{{"name":"{name}","type":{ty}}}"#))
        .collect();
    format!(
        r#"{{"type":"record","name":"{name}","fields":[{}]}}"#,
        fields.join(",")
    )
}

fn array(items: &str) -> String {
    format!(r#"{{"type":"array","items":{items}}}"#)
}

/// What one record of a schema is read as, or the error.
fn one(schema: &str, bytes: &[u8]) -> Result<MetricList, String> {
    let mut outcome = read(&stream(schema, 1, bytes));
    match outcome.end {
        Ok(()) => Ok(outcome.lists.remove(0)),
        Err(error) => Err(error.to_string().split_once(", record 1: ").unwrap().1.to_owned()),
    }
}

/// metrics.md 2.3 and vector 19.1.
#[test]
fn records_without_a_topic() {
    let table: [(&str, &[u8], &str); 9] = [
        ("\"string\"", b"\x02t", "UNKNOWN_RECORD_TYPE"),
        (&array("\"int\""), b"\x02\x02\0", "UNKNOWN_RECORD_TYPE"),
        (
            r#"{"type":"map","values":"long"}"#,
            b"\x02\x02k\x02\0",
            "UNKNOWN_RECORD_TYPE",
        ),
        (
            &record("r", &[("topics", "\"string\"")]),
            b"\x02t",
            "UNKNOWN_TOPIC_VAL",
        ),
        (
            &record("r", &[("topic", "\"int\"")]),
            b"\x02",
            "UNKNOWN_TOPIC_TYPE",
        ),
        (
            &record("r", &[("topic", r#"["null","string"]"#)]),
            b"\0",
            "UNKNOWN_TOPIC_TYPE",
        ),
        (
            &record("r", &[("topic", r#"["null","string"]"#)]),
            b"\x02\x02t",
            "t",
        ),
        (&record("r", &[("topic", "\"bytes\"")]), b"\x02t", "t"),
        (
            &format!("[\"null\",{}]", record("r", &[("topic", "\"string\"")])),
            b"\x02\x02t",
            "t",
        ),
    ];
    for (schema, bytes, topic) in table {
        assert_eq!(one(schema, bytes), Ok(list(topic, &[], &[])), "{schema}");
        assert!(topic == "t" || stats_schema::UNKNOWN_TOPICS.contains(&topic));
    }
}

/// Tags and datapoints are delivered although there is no topic; items that are none are stepped over.
#[test]
fn what_is_readable_is_delivered() {
    let tag = record(
        "Tag",
        &[
            ("value", r#"["null","string"]"#),
            ("x", "\"double\""),
            ("key", "\"string\""),
        ],
    );
    let point = record("P", &[("name", "\"string\""), ("value", r#"["null","int"]"#)]);
    let tags = array(&format!(r#"[{tag},"string"]"#));
    let points = format!(r#"["null",{}]"#, array(&point));
    let schema = record("r", &[("datapoints", &points), ("tags", &tags)]);
    let bytes = [
        b"\x02\x04".as_slice(),   // two datapoints:
        b"\x02n\x02\x05",         // n is -3,
        b"\x02m\0",               // m has no value
        b"\0\x04",                // two tags:
        b"\x02\x06str",           // a string,
        b"\0\x0012345678\x02k\0", // k without a value
    ]
    .concat();
    assert_eq!(
        one(&schema, &bytes),
        Ok(list(
            "UNKNOWN_TOPIC_VAL",
            &[("k", "")],
            &[datapoint("n", 0, -3.0)]
        ))
    );
}

/// Whatever a field that we do not know may be, the next one is found.
#[test]
fn unknown_fields_are_stepped_over() {
    let table: [(&str, &[u8]); 17] = [
        ("\"null\"", b""),
        ("\"boolean\"", b"\x01"),
        ("\"int\"", b"\xff\xff\xff\xff\x0f"),
        ("\"long\"", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ("\"float\"", b"1234"),
        ("\"double\"", b"12345678"),
        ("\"bytes\"", b"\x04\xff\xff"),
        ("\"string\"", b"\x04\xff\xff"),
        (r#"{"type":"fixed","name":"f","size":3}"#, b"123"),
        (r#"{"type":"enum","name":"e","symbols":["a","b"]}"#, b"\x02"),
        (r#"{"type":"array","items":"null"}"#, b"\x06\0"),
        (r#"{"type":"array","items":"int"}"#, b"\x04\x02\x04\x02\x06\0"),
        (r#"{"type":"array","items":"int"}"#, b"\x05\x06\x02\x04\x06\0"),
        (r#"{"type":"map","values":"string"}"#, b"\x02\x02k\x02v\0"),
        (r#"{"type":"map","values":"string"}"#, b"\x01\x08\x02k\x02v\0"),
        (r#"["null",{"type":"record","name":"s","fields":[]}]"#, b"\x02"),
        (
            r#"{"type":"record","name":"s","fields":[{"name":"topic","type":["null","r"]}]}"#,
            b"\0",
        ),
    ];
    for (ty, bytes) in table {
        let schema = record("r", &[("before", ty), ("topic", "\"string\"")]);
        assert_eq!(
            one(&schema, &[bytes, b"\x02t"].concat()),
            Ok(list("t", &[], &[])),
            "{ty}"
        );
    }
}

#[test]
fn metric_types_by_name() {
    let with = |ty: &str, bytes: &[u8]| {
        let point = record(
            "P",
            &[("name", "\"string\""), ("value", "\"float\""), ("type", ty)],
        );
        let schema = record("r", &[("datapoints", &array(&point))]);
        let bytes = [b"\x02\x02n\0\0\x80\x3f".as_slice(), bytes, b"\0"].concat();
        one(&schema, &bytes).map(|list| list.datapoints[0].metric_type)
    };
    let symbols = r#"{"type":"enum","name":"e","symbols":["set","meter","gauge_delta"]}"#;
    assert_eq!(with(symbols, b"\0"), Ok(MetricType::Set));
    assert_eq!(with(symbols, b"\x02"), Ok(MetricType::Unknown));
    assert_eq!(with(symbols, b"\x04"), Ok(MetricType::GaugeDelta));
    assert_eq!(
        with(symbols, b"\x06"),
        Err("datapoint type is 3, allowed is 0 to 2".into())
    );
    assert_eq!(with("\"string\"", b"\x0atimer"), Ok(MetricType::Timer));
    assert_eq!(with("\"long\"", b"\x02"), Ok(MetricType::Unknown));
}

/// Schemas and data that would exhaust the stack, the memory or the patience of a reader that trusts them.
#[test]
fn hostile_schemas() {
    // A list that is linked to itself by a byte a level.
    let linked = record("r", &[("next", r#"["null","r"]"#)]);
    assert_eq!(
        one(&linked, &[2; 100_000]),
        Err("nesting of a field is 65, allowed is 0 to 64".into())
    );
    // A record that contains itself, in no byte at all.
    let endless = record("r", &[("x", "\"r\"")]);
    assert_eq!(
        one(&endless, b"x"),
        Err("nesting of a field is 65, allowed is 0 to 64".into())
    );
    // 2^62 nulls.
    let nulls = record("r", &[("x", &array("\"null\""))]);
    let count = b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\0";
    let values = "number of values in the block is 1201, allowed is 0 to 1200";
    assert_eq!(one(&nulls, count), Err(values.into()));
    // The same as tags.
    let tags = record("r", &[("tags", &array("\"null\""))]);
    let tags_allowed = "number of tags is 4611686018427387904, allowed is 0 to 4096";
    assert_eq!(one(&tags, count), Err(tags_allowed.into()));
    // Tags in many small runs, none of which is readable.
    let empty = record(
        "r",
        &[("tags", &array(&record("T", &[]))), ("topic", "\"string\"")],
    );
    let runs = [[2; 4097].as_slice(), b"\0\x02t"].concat();
    assert_eq!(
        one(&empty, &runs),
        Err("number of tags is 4097, allowed is 0 to 4096".into())
    );
    assert_eq!(one(&empty, &runs[1..]), Ok(list("t", &[], &[])));
    // A record of many nulls, a hundred times.
    let fields: Vec<_> = (0..1000).map(|n| (format!("n{n}"), "\"null\"")).collect();
    let fields: Vec<_> = fields.iter().map(|(name, ty)| (name.as_str(), *ty)).collect();
    let error = read(&stream(&record("r", &fields), 100, &[0; 100])).error();
    assert!(
        error.contains("number of values in the block is 2625, allowed is 0 to 2624"),
        "{error}"
    );

    assert_eq!(
        one(&record("r", &[("x", "[]")]), b"\0"),
        Err("branch of a union is 0, allowed is 0 to 0".into())
    );
    assert_eq!(
        one(&record("r", &[("x", r#"["int"]"#)]), b"\x02"),
        Err("branch of a union is 1, allowed is 0 to 0".into())
    );
    let fixed = r#"{"type":"fixed","name":"f","size":18446744073709551615}"#;
    assert_eq!(
        one(&record("r", &[("x", fixed)]), b"\x02"),
        Err("block ends inside a field".into())
    );
    let strings = record("r", &[("x", &array("\"string\""))]);
    assert_eq!(
        one(&strings, b"\x01\x08\0"),
        Err("a field is 4 bytes long, 1 are left".into())
    );
    let map = record("r", &[("x", r#"{"type":"map","values":"null"}"#)]);
    assert_eq!(
        one(&map, b"\x02\x04k"),
        Err("a field is 2 bytes long, 1 are left".into())
    );
}
