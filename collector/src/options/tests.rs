use super::*;

fn read(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Options, clap::Error> {
    let arguments = ["dcos-stats-collector"]
        .iter()
        .chain(arguments)
        .map(OsString::from);
    Options::read(arguments, |name| {
        environment
            .iter()
            .find_map(|(key, value)| (*key == name).then(|| (*value).to_owned()))
    })
}

#[test]
fn the_command_is_consistent() {
    Options::command().debug_assert();
}

#[test]
fn every_spelling_of_listen() {
    assert_eq!(read(&[], &[]).unwrap().listen, "127.0.0.1:8124");
    for flag in [
        "--listen",
        "-listen",
        "--listen-endpont",
        "-listen-endpont",
        "--listen-endpoint",
        "-listen-endpoint",
    ] {
        assert_eq!(
            read(&[&format!("{flag}=h:1")], &[]).unwrap().listen,
            "h:1",
            "{flag}"
        );
        assert_eq!(read(&[flag, "h:1"], &[]).unwrap().listen, "h:1", "{flag}");
    }
    for name in ["LISTEN", "LISTEN_ENDPONT", "LISTEN_ENDPOINT"] {
        assert_eq!(read(&[], &[(name, "h:2")]).unwrap().listen, "h:2", "{name}");
        assert_eq!(
            read(&["--listen=h:1"], &[(name, "h:2")]).unwrap().listen,
            "h:1",
            "{name}"
        );
    }
}

#[test]
fn errors_name_option_value_and_what_is_allowed() {
    for (arguments, parts) in [
        (["--listen=nowhere"], ["--listen", "'nowhere'", "HOST:PORT"]),
        (["--listen=h:65536"], ["--listen", "'h:65536'", "0 to 65535"]),
        (["--output=kafka"], ["--output", "'kafka'", "stdout"]),
        (["--max-connections=0"], ["--max-connections", "'0'", "non-zero"]),
        (
            ["--max-block-kbytes=1048577"],
            ["--max-block-kbytes", "1048577", "1..=1048576"],
        ),
        (["--lisen=h:1"], ["--lisen", "--listen", ""]),
    ] {
        let error = read(&arguments, &[]).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
    let error = read(&[], &[("LISTEN", "x")]).unwrap_err().to_string();
    assert!(error.contains("LISTEN"), "{error}");
}

#[test]
fn secrets_are_not_among_what_was_set() {
    let secrets = ["AUTH_CREDENTIAL", "KAFKA_PASSWORD", "KAFKA_PROPERTY"];
    let variables = secrets.map(|name| (name, "sasl.password=hush"));
    let options = read(&[], &variables).unwrap();
    assert_eq!(
        options.set.into_iter().collect::<Vec<_>>(),
        secrets.map(|name| (name.to_owned(), "****".to_owned()))
    );
}

#[test]
fn booleans_of_kafka_in_the_environment() {
    let options = read(
        &[],
        &[("KAFKA_REQUIRE_ALL_ACKS", "false"), ("KAFKA_VERBOSE", "T")],
    )
    .unwrap();
    assert!(!options.kafka.kafka_require_all_acks && options.kafka.kafka_verbose);
}

#[test]
fn addresses() {
    let of = |listen: &str| {
        let addresses = read(&["--listen", listen], &[])
            .unwrap()
            .listen_addresses()
            .unwrap();
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(of("127.0.0.1:1"), ["127.0.0.1:1"]);
    assert_eq!(of("[::1]:1"), ["[::1]:1"]);
    assert_eq!(of(":1"), ["[::]:1", "0.0.0.0:1"]);
    assert!(of("localhost:1").contains(&"127.0.0.1:1".to_owned()));
}

/// The options of `reference/metrics.md` 2.1 and the corrected spelling of one: flag, variable, a value that is not the
/// default, and what the options then hold.
const OPTIONS_OF_2016: &[(&str, &str, &str, &str)] = &[
    ("agent-polling", "AGENT_POLLING", "false", "agent_polling: false"),
    ("http-profile", "HTTP_PROFILE", "true", "http_profile: true"),
    ("kafka", "KAFKA", "false", "kafka: Some(false)"),
    ("listen-endpont", "LISTEN_ENDPONT", "h:1", "listen: \"h:1\""),
    ("listen-endpoint", "LISTEN_ENDPOINT", "h:1", "listen: \"h:1\""),
    (
        "record-input-log",
        "RECORD_INPUT_LOG",
        "T",
        "record_input_log: true",
    ),
    (
        "record-input-hexdump",
        "RECORD_INPUT_HEXDUMP",
        "1",
        "record_input_hexdump: true",
    ),
    (
        "input-limit-amount-kbytes",
        "INPUT_LIMIT_AMOUNT_KBYTES",
        "70",
        "input_limit_amount_kbytes: 70,",
    ),
    (
        "input-limit-period",
        "INPUT_LIMIT_PERIOD",
        "70",
        "input_limit_period: 70,",
    ),
    (
        "kafka-produce-count",
        "KAFKA_PRODUCE_COUNT",
        "70",
        "kafka_produce_count: 70,",
    ),
    (
        "kafka-produce-kbytes",
        "KAFKA_PRODUCE_KBYTES",
        "70",
        "kafka_produce_kbytes: 70,",
    ),
    (
        "kafka-produce-period-ms",
        "KAFKA_PRODUCE_PERIOD_MS",
        "70",
        "kafka_produce_period_ms: 70,",
    ),
    (
        "kafka-topic-prefix",
        "KAFKA_TOPIC_PREFIX",
        "x-",
        "kafka_topic_prefix: \"x-\"",
    ),
    (
        "kafka-single-topic",
        "KAFKA_SINGLE_TOPIC",
        "all",
        "kafka_single_topic: \"all\"",
    ),
    (
        "global-limit-amount-kbytes",
        "GLOBAL_LIMIT_AMOUNT_KBYTES",
        "70",
        "global_limit_amount_kbytes: 70,",
    ),
    (
        "global-limit-period",
        "GLOBAL_LIMIT_PERIOD",
        "70",
        "global_limit_period: 70,",
    ),
    (
        "record-output-log",
        "RECORD_OUTPUT_LOG",
        "TRUE",
        "record_output_log: true",
    ),
    (
        "record-output-hexdump",
        "RECORD_OUTPUT_HEXDUMP",
        "True",
        "record_output_hexdump: true",
    ),
    (
        "kafka-brokers",
        "KAFKA_BROKERS",
        "a:1,b:2",
        "kafka_brokers: [\"a:1\", \"b:2\"]",
    ),
    (
        "kafka-framework",
        "KAFKA_FRAMEWORK",
        "confluent",
        "kafka_framework: Some(\"confluent\")",
    ),
    ("kafka-flush-ms", "KAFKA_FLUSH_MS", "70", "kafka_flush_ms: 70,"),
    (
        "kafka-compress-snappy",
        "KAFKA_COMPRESS_SNAPPY",
        "f",
        "kafka_compress_snappy: Some(false)",
    ),
    (
        "kafka-require-all-acks",
        "KAFKA_REQUIRE_ALL_ACKS",
        "F",
        "kafka_require_all_acks: false",
    ),
    ("kafka-verbose", "KAFKA_VERBOSE", "t", "kafka_verbose: true"),
    (
        "agent-ip-command",
        "AGENT_IP_COMMAND",
        "echo 10.0.0.1",
        "agent_ip_command: Some(\"echo 10.0.0.1\")",
    ),
    ("agent-port", "AGENT_PORT", "70", "agent_port: 70,"),
    (
        "agent-poll-period",
        "AGENT_POLL_PERIOD",
        "70",
        "agent_poll_period: 70,",
    ),
    (
        "agent-metrics-topic",
        "AGENT_METRICS_TOPIC",
        "nodes",
        "agent_metrics_topic: \"nodes\"",
    ),
    (
        "agent-test-state-file",
        "AGENT_TEST_STATE_FILE",
        "f",
        "agent_test_state_file: Some(\"f\")",
    ),
    (
        "agent-test-system-file",
        "AGENT_TEST_SYSTEM_FILE",
        "f",
        "agent_test_system_file: Some(\"f\")",
    ),
    (
        "agent-test-containers-file",
        "AGENT_TEST_CONTAINERS_FILE",
        "f",
        "agent_test_containers_file: Some(\"f\")",
    ),
    (
        "auth-credential",
        "AUTH_CREDENTIAL",
        "token",
        "auth_credential: Some(",
    ),
    (
        "statsd-udp-host",
        "STATSD_UDP_HOST",
        "h",
        "self_metrics: SelfMetricsOptions { host: \"h\"",
    ),
    (
        "statsd-udp-port",
        "STATSD_UDP_PORT",
        "70",
        "port: 70, period_seconds: 15",
    ),
    (
        "statsd-period",
        "STATSD_PERIOD",
        "70",
        "period_seconds: 70 }, set: {}",
    ),
];

#[test]
fn every_flag_and_variable_of_2016_changes_an_option() {
    let shown = |options: &Options| {
        let options = Options {
            set: BTreeMap::new(),
            ..options.clone()
        };
        format!("{options:?}")
    };
    let without = shown(&read(&[], &[]).unwrap());
    for (flag, variable, value, expected) in OPTIONS_OF_2016 {
        assert!(!without.contains(expected), "{expected}: {without}");
        for dashes in ["-", "--"] {
            let argument = format!("{dashes}{flag}={value}");
            let with = shown(&read(&[&argument], &[]).unwrap());
            assert!(with.contains(expected), "{argument}: {with}");
        }
        let with = shown(&read(&[], &[(variable, value)]).unwrap());
        assert!(with.contains(expected), "{variable}={value}: {with}");
        let empty = shown(&read(&[], &[(variable, "")]).unwrap());
        assert_eq!(empty, without, "{variable}");
    }
}
