//! What all backends have in common, seen through the simplest.

use crate::messages::{TAGS, gauge, message, numbered};
use crate::program::{Program, command};
use stats_kafka::local::{Broker, new_topic};
use std::process::Command;

#[test]
fn corrupt_messages_are_counted_and_the_others_arrive() {
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    let good = message(&TAGS, &[gauge("before", 1)]);
    let mut cut = message(&TAGS, &[gauge("cut", 1)]);
    cut.truncate(cut.len() - 3);
    let mut two_lists = message(&TAGS, &[gauge("half", 1)]);
    two_lists.extend_from_slice(b"\x02\x04\xff\xff");
    let after = message(&TAGS, &[gauge("after", 1)]);
    broker.produce(
        &topic,
        [good, b"Obj?".to_vec(), cut, Vec::new(), two_lists, after],
    );

    let program = Program::start(command(&broker.address(), &topic).arg("print"));
    for offset in [1, 2, 4] {
        let place = format!("topic {topic}, partition 0, offset {offset}: ");
        program.wait_for(&place, |line| line.contains(&place));
    }
    program.wait_for_total("errors", 3);
    assert_eq!(program.terminate().code(), Some(0));

    // Everything was committed, and what could be read arrived.
    let again = Program::start(
        command(&broker.address(), &topic)
            .arg("print")
            .env("KAFKA_OVERRIDE_GROUP_ID", "other"),
    );
    for name in ["before", "half", "after"] {
        let name = format!("\"name\":\"{name}\"");
        again.wait_for(&name, |line| {
            line.starts_with("Record: {") && line.contains(&name)
        });
    }
}

#[test]
fn a_restart_goes_on_where_the_last_run_ended() {
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    broker.produce(&topic, numbered(0, 10, 1));
    let first = Program::start(command(&broker.address(), &topic).arg("print"));
    first.wait_for("the last datapoint", |line| line.contains("\"value\":9.0"));
    assert_eq!(first.terminate().code(), Some(0));

    broker.produce(&topic, numbered(10, 1, 1));
    let second = Program::start(command(&broker.address(), &topic).arg("print"));
    let line = second.wait_for("a list", |line| line.starts_with("Record: "));
    assert!(line.contains("\"value\":10.0"), "{line}");
}

#[test]
fn patterns_and_framework_names_choose() {
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    let foreign = [("framework_name", "other")];
    broker.produce(&format!("x{topic}"), [message(&TAGS, &[gauge("other_topic", 1)])]);
    broker.produce(
        &topic,
        [
            message(&foreign, &[gauge("other_framework", 1)]),
            message(&TAGS, &[gauge("wanted", 1)]),
            message(&[], &[gauge("without", 1)]),
        ],
    );
    let mut command = command(&broker.address(), &topic);
    let program = Program::start(
        command
            .env_remove("KAFKA_TOPICS")
            .env("KAFKA_TOPIC_PATTERN", &topic)
            .env("KAFKA_TOPIC_POLL_PERIOD_MS", "500")
            .env("FRAMEWORK_NAMES", "marathon,null")
            .arg("print"),
    );
    let mut names = Vec::new();
    program.wait_for("both lists", |line| {
        names.extend(line.starts_with("Record: ").then(|| line.to_owned()));
        names.len() == 2
    });
    assert!(
        names[0].contains("wanted") && names[1].contains("without"),
        "{names:?}"
    );
    program.wait_for_total("filtered", 1);
    // A topic that comes into being later is noticed, and read from its beginning.
    let later = format!("{topic}-later");
    drop(program);
    let program = Program::start(
        command
            .env("KAFKA_TOPIC_PATTERN", format!("{topic}.*"))
            .env("KAFKA_OVERRIDE_GROUP_ID", format!("{topic}-later")),
    );
    program.wait_for("the old topic", |line| line.contains("without"));
    broker.produce(&later, [message(&TAGS, &[gauge("late", 1)])]);
    program.wait_for("the new topic", |line| line.contains("late\""));
}

#[test]
fn the_broker_may_go_and_come_back() {
    let Some(broker) = Broker::launch() else { return };
    let topic = new_topic();
    broker.produce(&topic, numbered(0, 1, 1));
    let program = Program::start(
        command(&broker.address(), &topic)
            .env("KAFKA_OVERRIDE_RECONNECT_BACKOFF_MAX_MS", "1000")
            .arg("print"),
    );
    program.wait_for("the first datapoint", |line| line.contains("\"value\":0.0"));
    broker.stop();
    program.wait_for("a word about it", |line| line.contains("Kafka: "));
    broker.start();
    broker.produce(&topic, numbered(1, 1, 1));
    program.wait_for("the second datapoint", |line| line.contains("\"value\":1.0"));
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn wrong_options_exit_with_1_and_say_why() {
    let cases: [(&[&str], (&str, &str), &str); 5] = [
        (
            &["print"],
            ("KAFKA_FRAMEWORK_NAME", "a/b"),
            "\"a/b\" makes no DNS name",
        ),
        (
            &["print"],
            ("KAFKA_NAME_SERVER", "a.example.com:53"),
            "--kafka-name-server",
        ),
        (
            &["print"],
            ("KAFKA_OVERRIDE_BOOTSTRAP_SERVRES", "b:1"),
            "Kafka property bootstrap.servres: ",
        ),
        (&["print"], ("CONSUMER_THREADS", "0"), "--consumer-threads"),
        (&["prnt"], ("X", ""), "prnt"),
    ];
    for (arguments, (name, value), expected) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_dcos-stats-consumer"))
            .args(arguments)
            .env(name, value)
            .output()
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}
