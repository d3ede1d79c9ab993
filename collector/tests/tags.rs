//! What records get from the agent of their node.

#![allow(clippy::unwrap_used)]

mod running;

use running::{Running, list, stream};
use serde_json::{Value, json};
use stats_schema::{Layout, MetricList, Tag};
use std::io::Write;
use std::path::PathBuf;

/// The container of the task `web` in the answer of a real agent.
const WEB: [(&str, &str); 3] = [
    ("framework_id", "e4341f7e-de94-48df-b491-a97736b9448a-0002"),
    ("executor_id", "web.5f9c2f2e-8f0b-11e6-9d3b-70b3d5800001"),
    ("container_id", "3007473b-218f-49b2-9c80-db530f72b895"),
];

fn answers(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/agent")
        .join(name)
}

fn tagged(tags: &[(&str, &str)]) -> MetricList {
    MetricList {
        tags: tags
            .iter()
            .map(|(key, value)| Tag {
                key: (*key).into(),
                value: (*value).into(),
            })
            .collect(),
        ..list("f", "n")
    }
}

/// A collector that takes the agent's answers from files.
fn with_agent(state: &PathBuf, containers: &PathBuf) -> Running {
    let file = |option: &str, path: &PathBuf| format!("--agent-test-{option}-file={}", path.display());
    Running::start(&[
        "--agent-polling=true",
        "--agent-poll-period=3600",
        &file("state", state),
        &file("system", &answers("metrics-snapshot.json")),
        &file("containers", containers),
    ])
}

fn tags(line: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let tags = line["tags"].as_array().unwrap().iter();
    tags.map(|tag| (text(&tag["key"]), text(&tag["value"]))).collect()
}

#[test]
fn records_get_the_names_of_what_they_come_from() {
    let mut collector = with_agent(&answers("state.json"), &answers("containers.json"));
    let lines = collector.stdout();
    let own = [("own", "1"), ("task_id", "another"), ("agent_id", "another")];
    let mut connection = collector.connect();
    connection
        .write_all(&stream(
            Layout::Typed,
            &[
                tagged(&[WEB.as_slice(), &own].concat()),
                tagged(&[("hostname", "mine")]),
            ],
        ))
        .unwrap();
    let sent = |line: &Value| line["topic"] == "f";
    let mut polled = Vec::new();
    let mut next = || {
        std::iter::repeat_with(|| lines.next_json())
            .find(|line| {
                let sent = sent(line);
                if !sent {
                    polled.push(line.clone());
                }
                sent
            })
            .unwrap()
    };
    let state: Value = serde_json::from_slice(&std::fs::read(answers("state.json")).unwrap()).unwrap();
    let (agent, host) = (state["id"].as_str().unwrap(), state["hostname"].as_str().unwrap());
    let expected = [
        WEB.as_slice(),
        &[
            ("own", "1"),
            ("framework_name", "mesos-execute instance"),
            ("application_name", "shop/web"),
            ("agent_id", agent),
            ("task_id", "web.5f9c2f2e-8f0b-11e6-9d3b-70b3d5800001"),
            ("task_name", "web"),
            ("hostname", host),
            ("TEAM", "checkout"),
        ],
    ]
    .concat();
    let owned = |tags: &[(&str, &str)]| -> Vec<(String, String)> {
        tags.iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect()
    };
    assert_eq!(tags(&next()), owned(&expected));
    assert_eq!(tags(&next()), owned(&[("hostname", "mine"), ("agent_id", agent)]));
    // The agent's own metrics and its containers' have the same tags.
    while !polled
        .iter()
        .any(|line| tags(line).starts_with(&owned(&WEB[2..])))
    {
        polled.push(lines.next_json());
    }
    let container = polled
        .iter()
        .find(|line| tags(line).starts_with(&owned(&WEB[2..])))
        .unwrap();
    assert!(
        tags(container).contains(&("task_name".into(), "web".into())),
        "{container}"
    );
    assert!(
        polled
            .iter()
            .any(|line| line["topic"] == "agent" && tags(line)[0].0 == "agent_id")
    );
    let balance = collector.terminate();
    assert_eq!(balance["tags_replaced"], 2);
    assert_eq!(balance["balanced"], true);
}

#[test]
fn a_container_that_is_new_waits_for_its_tags_but_not_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state.json");
    let known = std::fs::read_to_string(answers("state.json")).unwrap();
    std::fs::write(&state, known.replace(WEB[2].1, "another")).unwrap();
    // The agent's own list would be the first to ask for the container.
    let containers = directory.path().join("containers.json");
    std::fs::write(&containers, "[]").unwrap();
    let mut collector = with_agent(&state, &containers);
    let lines = collector.stdout();
    // The state is there before what was asked for after it.
    while lines.next_json()["topic"] != "agent" {}
    let mut connection = collector.connect();
    // The task starts, and sends at once.
    std::fs::write(&state, known).unwrap();
    connection
        .write_all(&stream(Layout::Typed, &[tagged(&WEB)]))
        .unwrap();
    let next = || {
        std::iter::repeat_with(|| lines.next_json())
            .find(|line| line["topic"] == "f")
            .unwrap()
    };
    assert!(tags(&next()).contains(&("task_name".into(), "web".into())));

    let stranger = [WEB[0], WEB[1], ("container_id", "made-up")];
    let block = running::block(Layout::Typed, &[tagged(&stranger)]);
    connection.write_all(&block).unwrap();
    let line = next();
    assert_eq!(
        tags(&line)[3..5],
        [
            ("framework_name".to_owned(), "mesos-execute instance".to_owned()),
            ("application_name".to_owned(), "shop/web".to_owned()),
        ]
    );
    assert_eq!(line["datapoints"][0]["name"], json!("n"));
    assert_eq!(collector.terminate()["balanced"], true);
}

#[test]
fn without_an_answer_of_the_agent_the_old_mark_is_there() {
    let missing = answers("no-such-file.json");
    let mut collector = with_agent(&missing, &answers("containers.json"));
    let lines = collector.stdout();
    let mut connection = collector.connect();
    connection
        .write_all(&stream(Layout::Typed, &[tagged(&WEB)]))
        .unwrap();
    let line = std::iter::repeat_with(|| lines.next_json())
        .find(|line| line["topic"] == "f")
        .unwrap();
    assert_eq!(
        tags(&line)[3..],
        [("agent_id".to_owned(), "UNKNOWN_AGENT_STATE".to_owned())]
    );
}
