use super::*;
use crate::empty_is_unset;
use clap::{CommandFactory, FromArgMatches};
use std::process::Command;

#[test]
fn the_command_line_is_sound() {
    Options::command().debug_assert();
}

#[test]
fn options_stand_before_or_after_the_subcommand() {
    for arguments in [
        ["x", "--framework-names=a,b", "--print-records", "print"],
        ["x", "print", "--print-records=T", "--framework-names=a,b"],
    ] {
        let options = Options::try_parse_from(arguments).unwrap();
        assert!(options.run.print_records && !options.run.exit_on_connect_failure);
        assert_eq!(options.run.framework_names, ["a", "b"]);
    }
}

#[test]
fn influx_says_whether_requests_are_logged() {
    let influx = [
        "x",
        "influx",
        "--output-host=h",
        "--measurement-name=m",
        "--output-database=d",
    ];
    for (level, expected) in [
        ("NONE", "info"),
        ("BASIC", "info"),
        ("HEADERS", "info,ureq=debug"),
        ("full", "info,ureq=debug"),
    ] {
        let options = Options::try_parse_from(influx.into_iter().chain(["--log-level", level])).unwrap();
        assert_eq!(options.log_filter(), expected, "{level}");
    }
    assert_eq!(Options::try_parse_from(influx).unwrap().log_filter(), "info");
    assert_eq!(
        Options::try_parse_from(["x", "print"]).unwrap().log_filter(),
        "info"
    );
}

/// The variables of `reference/metrics.md` 3.1, which are the same for all subcommands: name, value, and what the options
/// then hold.
const COMMON: &[(&str, &str, &str)] = &[
    (
        "KAFKA_FRAMEWORK_NAME",
        "confluent",
        "kafka_framework_name: Framework { name: \"confluent\"",
    ),
    ("KAFKA_OVERRIDE_GROUP_ID", "mine", "\"group.id\": \"mine\""),
    (
        "KAFKA_OVERRIDE_BOOTSTRAP_SERVERS",
        "b:1",
        "\"bootstrap.servers\": \"b:1\"",
    ),
    (
        "KAFKA_OVERRIDE_FETCH_MIN_BYTES",
        "7",
        "\"fetch.min.bytes\": \"7\"",
    ),
    ("KAFKA_TOPICS", "a,b", "kafka_topics: [\"a\", \"b\"]"),
    ("KAFKA_TOPIC_PATTERN", "x.*", "kafka_topic_pattern: \"x.*\""),
    (
        "KAFKA_TOPIC_POLL_PERIOD_MS",
        "70",
        "kafka_topic_poll_period_ms: 70",
    ),
    ("FRAMEWORK_NAMES", "a,null", "framework_names: [\"a\", \"null\"]"),
    ("STATS_PRINT_PERIOD_MS", "70", "stats_print_period_ms: 70"),
    ("PRINT_RECORDS", "Truly", "print_records: true"),
    ("POLL_TIMEOUT_MS", "70", "poll_timeout_ms: 70"),
    ("CONSUMER_THREADS", "7", "consumer_threads: 7"),
];

/// A subcommand, the variables it needs, and those of `reference/metrics.md` 3.2 like [`COMMON`].
type Subcommand<'a> = (
    &'a str,
    &'a [(&'a str, &'a str)],
    &'a [(&'a str, &'a str, &'a str)],
);

const SUBCOMMANDS: &[Subcommand<'_>] = &[
    ("print", &[], &[]),
    (
        "graphite",
        &[("OUTPUT_HOST", "h")],
        &[
            ("OUTPUT_HOST", "other", "output_host: \"other\""),
            ("OUTPUT_PORT", "70", "output_port: 70"),
            ("GRAPHITE_PROTOCOL", "UDP", "graphite_protocol: Udp"),
            ("GRAPHITE_PROTOCOL", "Pickle", "graphite_protocol: Pickle"),
            ("GRAPHITE_PREFIX", "p", "graphite_prefix: \"p\""),
            ("GRAPHITE_PREFIX_IDS", "0", "graphite_prefix_ids: false"),
            ("EXIT_ON_CONNECT_FAILURE", "1", "exit_on_connect_failure: true"),
        ],
    ),
    (
        "influx",
        &[
            ("OUTPUT_HOST", "h"),
            ("OUTPUT_USERNAME", "u"),
            ("OUTPUT_PASSWORD", "p"),
            ("OUTPUT_DATABASE", "d"),
            ("MEASUREMENT_NAME", "m"),
        ],
        &[
            ("OUTPUT_HOST", "other", "output_host: \"other\""),
            ("OUTPUT_USERNAME", "other", "output_username: Some(\"other\")"),
            ("OUTPUT_PASSWORD", "other", "output_password: Some(\"other\")"),
            ("OUTPUT_DATABASE", "other", "output_database: Some(\"other\")"),
            ("MEASUREMENT_NAME", "other", "measurement_name: \"other\""),
            ("OUTPUT_PORT", "70", "output_port: 70"),
            ("BATCH_POINTS", "70", "batch_points: 70"),
            ("BATCH_MS", "70", "batch_ms: 70"),
            ("CREATE_DB", "false", "create_db: false"),
            ("LOG_LEVEL", "HEADERS", "log_level: Headers"),
            ("RETENTION_POLICY", "week", "retention_policy: \"week\""),
        ],
    ),
    (
        "kairos",
        &[("OUTPUT_HOST", "h"), ("OUTPUT_PORT", "1")],
        &[
            ("OUTPUT_HOST", "other", "output_host: \"other\""),
            ("OUTPUT_PORT", "70", "output_port: 70"),
            ("FLUSH_THRESHOLD", "70", "flush_threshold: 70"),
            ("EXIT_ON_CONNECT_FAILURE", "T", "exit_on_connect_failure: true"),
        ],
    ),
    (
        "statsd",
        &[("OUTPUT_HOST", "h")],
        &[
            ("OUTPUT_HOST", "other", "output_host: \"other\""),
            ("OUTPUT_PORT", "70", "output_port: 70"),
            ("KEY_PREFIX", "p", "key_prefix: \"p\""),
            ("ENABLE_TAGS", "f", "enable_tags: false"),
        ],
    ),
];

#[test]
fn every_variable_of_2016_changes_an_option() {
    for (subcommand, needed, own) in SUBCOMMANDS {
        let without = read_by_another_process(subcommand, needed);
        for (variable, value, expected) in COMMON.iter().chain(*own) {
            let environment = [*needed, &[(*variable, *value)]].concat();
            let with = read_by_another_process(subcommand, &environment);
            assert!(with.contains(expected), "{subcommand} {variable}={value}: {with}");
            assert!(!without.contains(expected), "{subcommand} {expected}: {without}");
            // Empty is unset.
            if !needed.iter().any(|(name, _)| name == variable) {
                let empty = [*needed, &[(*variable, "")]].concat();
                assert_eq!(read_by_another_process(subcommand, &empty), without, "{variable}");
            }
        }
    }
}

/// Begins the line with what was read.
const READ: &str = "read: ";

/// The options and the Kafka client's properties in this environment. The environment is the whole process's, so this test
/// program is started with it.
fn read_by_another_process(subcommand: &str, environment: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "options::tests::print_what_is_read",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env_clear()
        .env("SUBCOMMAND", subcommand)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{environment:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.split_once(READ));
    line.unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

#[test]
#[ignore = "prints what it reads, for the test that starts it"]
fn print_what_is_read() {
    let subcommand = std::env::var("SUBCOMMAND").unwrap_or("print".to_owned());
    let matches = empty_is_unset(Options::command())
        .try_get_matches_from(["x", &subcommand])
        .unwrap();
    let options = Options::from_arg_matches(&matches).unwrap();
    let config = options.kafka.client_config("group", std::env::vars()).unwrap();
    println!("{READ}{options:?} {config:?}");
}
