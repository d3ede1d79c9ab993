use super::*;
use proptest::prelude::*;

fn endpoint(id: ContainerId, framework_id: &str, executor_id: &str) -> StoredEndpoint {
    StoredEndpoint {
        container: Container {
            id,
            framework_id: framework_id.to_owned(),
            executor_id: executor_id.to_owned(),
        },
        host: "host-hello".to_owned(),
        port: 123,
        sandbox: String::new(),
    }
}

#[test]
fn without_our_keys_the_bytes_are_the_old_ones() {
    let old = br#"{"container_id":"hello","statsd_host":"host-hello","statsd_port":123}"#;
    let stored = endpoint(ContainerId::new("hello"), "", "");
    assert_eq!(stored.to_json().unwrap(), old);
    assert_eq!(StoredEndpoint::from_json(old).unwrap(), stored);
}

#[test]
fn our_keys_follow_the_old_ones() {
    let id = ContainerId::nested(vec!["a".to_owned(), "b".to_owned()], "c");
    let mut stored = endpoint(id, "f", "e");
    let json = r#"{"container_id":"c","statsd_host":"host-hello","statsd_port":123,"framework_id":"f","executor_id":"e","parents":["a","b"]}"#;
    assert_eq!(String::from_utf8(stored.to_json().unwrap()).unwrap(), json);
    assert_eq!(StoredEndpoint::from_json(json.as_bytes()).unwrap(), stored);
    stored.sandbox = "/runs/c".to_owned();
    let json = json.replace('}', r#","sandbox":"/runs/c"}"#);
    assert_eq!(String::from_utf8(stored.to_json().unwrap()).unwrap(), json);
    assert_eq!(StoredEndpoint::from_json(json.as_bytes()).unwrap(), stored);
}

#[test]
fn reads_any_order_space_and_unknown_key() {
    let json = "\n{ \"x\": [1,{}], \"statsd_port\" :\t65535 ,\"statsd_host\":\"\\u0068\", \"container_id\":\"\"}\r\n";
    let read = StoredEndpoint::from_json(json.as_bytes()).unwrap();
    assert_eq!(
        (read.container.id.leaf(), read.host.as_str(), read.port),
        ("", "h", 65_535)
    );
}

/// `reference/metrics-vectors.md` 12.
#[test]
fn refuses_with_the_key_the_value_and_what_is_allowed() {
    let port = "; allowed: a whole number from 1 to 65535";
    for (json, reason) in [
        (
            "",
            "it is no JSON object: EOF while parsing a value at line 1 column 0".to_owned(),
        ),
        (
            "{",
            "it is no JSON object: EOF while parsing an object at line 1 column 1".to_owned(),
        ),
        ("[]", "it is no JSON object: it is an array".to_owned()),
        (
            r#"["c","h",1]"#,
            "it is no JSON object: it is an array".to_owned(),
        ),
        ("null", "it is no JSON object: it is null".to_owned()),
        ("false", "it is no JSON object: it is true or false".to_owned()),
        ("1", "it is no JSON object: it is a number".to_owned()),
        ("{}", "it has no \"container_id\"".to_owned()),
        (
            r#"{"statsd_host":"h","statsd_port":1}"#,
            "it has no \"container_id\"".to_owned(),
        ),
        (
            r#"{"container_id":"c","statsd_port":1}"#,
            "it has no \"statsd_host\"".to_owned(),
        ),
        (
            r#"{"container_id":"c","statsd_host":"h"}"#,
            "it has no \"statsd_port\"".to_owned(),
        ),
        (
            r#"{"container_id":1,"statsd_host":"h","statsd_port":1}"#,
            "its \"container_id\" is 1; allowed: a string".to_owned(),
        ),
        (
            r#"{"container_id":"c","statsd_host":null,"statsd_port":1}"#,
            "its \"statsd_host\" is null; allowed: a string".to_owned(),
        ),
        (
            r#"{"container_id":"c","statsd_host":"h","statsd_port":"123"}"#,
            format!("its \"statsd_port\" is \"123\"{port}"),
        ),
        (
            r#"{"container_id":"c","statsd_host":"h","statsd_port":-1}"#,
            format!("its \"statsd_port\" is -1{port}"),
        ),
        (
            r#"{"container_id":"c","statsd_host":"h","statsd_port":0}"#,
            format!("its \"statsd_port\" is 0{port}"),
        ),
        (
            r#"{"container_id":"c","statsd_host":"h","statsd_port":65536}"#,
            format!("its \"statsd_port\" is 65536{port}"),
        ),
        (
            r#"{"container_id":"c","statsd_host":"h","statsd_port":1.5}"#,
            format!("its \"statsd_port\" is 1.5{port}"),
        ),
        (
            r#"{"container_id":"c","statsd_host":"h","statsd_port":1,"executor_id":{}}"#,
            "its \"executor_id\" is {}; allowed: a string".to_owned(),
        ),
        (
            r#"{"container_id":"c","statsd_host":"h","statsd_port":1,"parents":["a",1]}"#,
            "its \"parents\" is [\"a\",1]; allowed: an array of strings".to_owned(),
        ),
    ] {
        assert_eq!(
            StoredEndpoint::from_json(json.as_bytes())
                .unwrap_err()
                .to_string(),
            reason,
            "{json}"
        );
    }
    assert!(StoredEndpoint::from_json(b"{\"container_id\":\"\xff\"}").is_err());
    let deep = "[".repeat(60_000);
    assert!(StoredEndpoint::from_json(format!(r#"{{"x":{deep}"#).as_bytes()).is_err());
}

#[test]
fn a_long_wrong_value_is_cut() {
    let json = format!(
        r#"{{"container_id":["{}"],"statsd_host":"h","statsd_port":1}}"#,
        "\u{e9}".repeat(30_000)
    );
    let reason = StoredEndpoint::from_json(json.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        reason.chars().count() < 150 && reason.ends_with("...; allowed: a string"),
        "{reason}"
    );
}

/// Found by the fuzz target `state_file`.
#[test]
fn a_long_text_instead_of_an_object_is_not_repeated() {
    let json = format!("\"{}\"", "x".repeat(MAX_FILE_BYTES - 2));
    assert_eq!(
        StoredEndpoint::from_json(json.as_bytes())
            .unwrap_err()
            .to_string(),
        "it is no JSON object: it is a string"
    );
}

#[test]
fn refuses_to_write_what_it_would_not_read() {
    let mut stored = endpoint(ContainerId::new("c"), "", "");
    stored.port = 0;
    assert_eq!(stored.to_json().unwrap_err().kind(), ErrorKind::InvalidInput);
    let stored = endpoint(ContainerId::new("c".repeat(MAX_FILE_BYTES)), "", "");
    let error = stored.to_json().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().ends_with("bytes; allowed: 65536"), "{error}");
}

proptest! {
    #[test]
    fn any_endpoint_comes_back(
        parents in prop::collection::vec(".*", 0..3),
        leaf in ".*",
        host in ".*",
        port in 1_u16..,
        framework_id in ".*",
        executor_id in ".*",
        sandbox in ".*",
    ) {
        let container = Container { id: ContainerId::nested(parents, leaf), framework_id, executor_id };
        let stored = StoredEndpoint { container, host, port, sandbox };
        prop_assert_eq!(StoredEndpoint::from_json(&stored.to_json().unwrap()).unwrap(), stored);
    }
}
