use super::*;

fn layout(json: &str) -> Option<Layout> {
    WriterSchema::parse(json).unwrap().layout()
}

#[test]
fn our_layouts_are_known_by_their_meaning() {
    let old = Layout::Old.schema_json();
    let typed = Layout::Typed.schema_json();
    let changed = |json: &str, from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        layout(&json.replace(from, to))
    };
    assert_eq!(layout(old), Some(Layout::Old));
    assert_eq!(layout(typed), Some(Layout::Typed));
    assert_eq!(
        layout(include_str!("../../../metrics-2016.avsc")),
        Some(Layout::Old),
        "docs and whitespace"
    );
    assert_eq!(
        layout(include_str!("../../../metrics.avsc")),
        Some(Layout::Typed),
        "docs and whitespace"
    );
    assert_eq!(changed(old, "dcos.metrics", "x"), Some(Layout::Old), "namespace");
    assert_eq!(
        changed(old, r#""Tag""#, r#""Label""#),
        Some(Layout::Old),
        "record name"
    );
    let logical = r#""type":{"type":"long","logicalType":"timestamp-millis"}"#;
    assert_eq!(
        changed(old, r#""type":"long""#, logical),
        Some(Layout::Old),
        "logicalType where it counts"
    );
    assert_eq!(
        changed(old, r#""logicalType":"timestamp-millis","#, ""),
        Some(Layout::Old)
    );
    assert_eq!(
        changed(old, r#""type":"string""#, r#""type":{"type":"string"}"#),
        Some(Layout::Old)
    );
    assert_eq!(
        changed(typed, r#""default":1.0,"#, ""),
        Some(Layout::Typed),
        "defaults"
    );

    assert_eq!(changed(old, r#""type":"long""#, r#""type":"int""#), None);
    assert_eq!(changed(old, "double", "float"), None);
    assert_eq!(changed(old, r#""topic""#, r#""subject""#), None);
    assert_eq!(changed(typed, r#","set""#, r#","set","meter""#), None);
    assert_eq!(
        changed(typed, r#""counter","gauge","#, r#""gauge","counter","#),
        None,
        "other order of symbols"
    );
    assert_eq!(
        changed(typed, r#"["null","string"]"#, r#"["string","null"]"#),
        None,
        "other order of branches"
    );
    assert_eq!(layout("\"string\""), None);
}

/// Full names, inherited namespaces and references to both.
#[test]
fn names() {
    let tag = r#"{"type":"record","name":"T","fields":[{"name":"key","type":"string"}]}"#;
    for (defined, referred) in [
        (tag.to_owned(), "T"),
        (tag.to_owned(), "n.s.T"),
        (tag.replace(r#""T""#, r#""T","namespace":"x""#), "x.T"),
        (tag.replace(r#""T""#, r#""x.y.T""#), "x.y.T"),
        (tag.replace(r#""T""#, r#""T","namespace":"""#), "T"),
    ] {
        let json = format!(
            r#"{{"type":"record","name":"R","namespace":"n.s","fields":[
                {{"name":"a","type":{defined}}},{{"name":"b","type":"{referred}"}}]}}"#
        );
        let schema = WriterSchema::parse(&json).unwrap();
        let Type::Record(fields) = schema.get(schema.root()) else {
            panic!("{json}")
        };
        assert_eq!(fields[0], fields[1], "{json}");
    }
}

/// As deep as serde_json lets a text be.
#[test]
fn deep_schemas_are_no_danger() {
    let json = format!(
        "{}\"null\"{}",
        r#"{"type":"array","items":"#.repeat(126),
        "}".repeat(126)
    );
    assert_eq!(WriterSchema::parse(&json).unwrap().types.len(), 8 + 126);
}
