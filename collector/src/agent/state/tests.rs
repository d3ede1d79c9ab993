//! States from real answers, from the cases of 2016, and from answers that are wrong at every level.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const REST: &str = include_str!("../../../tests/agent/state.json");
const V1: &str = include_str!("../../../tests/agent/v1-GET_STATE.json");
const AGENT: &str = r#"{"type":"GET_AGENT","get_agent":{"agent_info":{"hostname":"127.0.0.1","id":{"value":"A1"},"port":5051}}}"#;

fn choice() -> LabelChoice {
    LabelChoice {
        names: vec!["team".to_owned()],
        prefix: "DCOS_METRICS_".to_owned(),
    }
}

fn rest(answer: &str) -> Result<(AgentState, u64), BadData> {
    let (state, skipped) = AgentState::parse(AgentApi::Rest, answer, None, &choice())?;
    Ok((state, skipped.count))
}

fn v1(answer: &str, agent: Option<&str>) -> Result<(AgentState, u64), BadData> {
    let (state, skipped) = AgentState::parse(AgentApi::V1, answer, agent, &choice())?;
    Ok((state, skipped.count))
}

/// `key=value` of what is added.
fn added(state: &AgentState, tags: &[(&str, &str)]) -> String {
    let tags: Vec<_> = tags.iter().map(|&(key, value)| TagRef { key, value }).collect();
    let added = state.added_tags(&tags);
    let pairs: Vec<_> = added
        .iter()
        .map(|tag| format!("{}={}", tag.key, tag.value))
        .collect();
    pairs.join(" ")
}

#[test]
fn both_interfaces_of_a_real_agent_say_the_same() {
    const ID: &str = "e4341f7e-de94-48df-b491-a97736b9448a";
    const WEB: &str = "web.5f9c2f2e-8f0b-11e6-9d3b-70b3d5800001";
    for (state, skipped) in [rest(REST).unwrap(), v1(V1, Some(AGENT)).unwrap()] {
        assert_eq!((state.frameworks(), state.applications(), skipped), (3, 1, 0));
        assert_eq!(state.hostname(), "127.0.0.1");
        let agent = state.agent_id();
        let name = "mesos-execute instance";
        for (framework, executor, container, expected) in [
            (
                "0002",
                WEB,
                "3007473b-218f-49b2-9c80-db530f72b895",
                format!(
                    "framework_name={name} application_name=shop/web agent_id={agent} task_id={WEB} task_name=web \
                     hostname=127.0.0.1 TEAM=checkout"
                ),
            ),
            (
                "0001",
                "batch",
                "cf0c177b-551b-4aaa-a5b0-492464377f97",
                format!(
                    "framework_name={name} agent_id={agent} task_id=batch task_name=batch hostname=127.0.0.1"
                ),
            ),
            (
                "0003",
                "default-executor",
                "b77ba8a1-f91b-4c2d-8164-04354e01f824",
                format!(
                    "framework_name={name} agent_id={agent} task_id=api.1 task_name=api hostname=127.0.0.1 team=search"
                ),
            ),
            (
                "0003",
                "default-executor",
                "c1cadcbf-ec04-4b8c-8cee-de716cf625e8",
                format!(
                    "framework_name={name} agent_id={agent} task_id=sidecar.1 task_name=sidecar hostname=127.0.0.1"
                ),
            ),
            (
                // The container of the executor, which has two tasks.
                "0003",
                "default-executor",
                "56efe550-739f-4d9c-ac76-19c0a6229102",
                format!("framework_name={name} agent_id={agent} hostname=127.0.0.1"),
            ),
        ] {
            assert!(state.knows(container));
            let framework = format!("{ID}-{framework}");
            let tags = [
                ("framework_id", framework.as_str()),
                ("executor_id", executor),
                ("container_id", container),
            ];
            assert_eq!(added(&state, &tags), expected);
        }
        assert!(!state.knows("56efe550"));
    }
    assert_eq!(rest(REST).unwrap().0.agent_id(), format!("{ID}-S1"));
    let (state, _) = v1(V1, None).unwrap();
    assert_eq!(
        (state.agent_id(), state.hostname()),
        (format!("{ID}-S1").as_str(), "")
    );
}

#[test]
fn records_are_tagged_as_in_2016() {
    // `reference/metrics-vectors.md` 19.2
    let answer = json!({"id": "A1", "frameworks": [{"id": "fid", "name": "marathon", "executors": [
        {"id": "eid", "labels": [{"key": "MARATHON_APP_ID", "value": "/group/app"}]}]}]});
    let (state, _) = rest(&answer.to_string()).unwrap();
    for (tags, expected) in [
        (
            [
                ("framework_id", "fid"),
                ("executor_id", "eid"),
                ("container_id", "cid"),
            ]
            .as_slice(),
            "framework_name=marathon application_name=group/app agent_id=A1",
        ),
        (
            &[("framework_id", "fid"), ("executor_id", "other")],
            "framework_name=marathon agent_id=A1",
        ),
        (&[], "agent_id=A1"),
        (&[("framework_id", "")], "agent_id=A1"),
        (
            &[("framework_id", "gone"), ("executor_id", "eid")],
            "framework_name=UNKNOWN_FRAMEWORK_ID agent_id=A1",
        ),
        (
            &[("executor_id", "eid")],
            "application_name=group/app agent_id=A1",
        ),
        // The first tag counts, and what is there stays.
        (
            &[("framework_id", "fid"), ("framework_id", "gone")],
            "framework_name=marathon agent_id=A1",
        ),
        (&[("framework_id", ""), ("framework_id", "fid")], "agent_id=A1"),
        (&[("agent_id", "mine")], "agent_id=A1"),
    ] {
        assert_eq!(added(&state, tags), expected, "{tags:?}");
    }
    assert_eq!(NO_STATE, ("agent_id", "UNKNOWN_AGENT_STATE"));
}

#[test]
fn applications_are_found_as_in_2016() {
    // `reference/metrics-vectors.md` 19.3
    let label = |key: &str, value: &str| json!({"key": key, "value": value});
    let answer = json!({"id": "1d899b6c-S0", "frameworks": [{"id": "1d899b6c-0000", "name": "marathon", "executors": [
        {"id": "group_slow-sleeper.038ae00b", "labels": [label("MARATHON_APP_ID", "/group/slow-sleeper")]},
        {"id": "metrics-collector.eb31", "labels": [label("DCOS_SPACE", "/metrics-collector")]},
        {"id": "kafka.4927", "labels": [label("DCOS_PACKAGE_NAME", "kafka"), label("MARATHON_APP_ID", "/kafka")]},
        {"id": "broker-2__14e9"},
        {"id": "of-task", "tasks": [{"id": "t", "labels": [label("MARATHON_APP_ID", "///x")]}]}]}]});
    let (state, skipped) = rest(&answer.to_string()).unwrap();
    let applications = &state.frameworks["1d899b6c-0000"].applications;
    let mut pairs: Vec<_> = applications
        .iter()
        .map(|(id, name)| (id.as_str(), name.as_str()))
        .collect();
    pairs.sort_unstable();
    let expected = [
        ("group_slow-sleeper.038ae00b", "group/slow-sleeper"),
        ("kafka.4927", "kafka"),
        ("metrics-collector.eb31", "metrics-collector"),
        ("of-task", "x"),
    ];
    assert_eq!((pairs.as_slice(), skipped), (expected.as_slice(), 0));
}

#[test]
fn tags_of_the_task_replace_nothing() {
    let (state, _) = rest(REST).unwrap();
    let tags = [
        ("container_id", "b77ba8a1-f91b-4c2d-8164-04354e01f824"),
        ("task_id", "mine"),
        ("team", ""),
        ("hostname", "h"),
    ];
    assert_eq!(
        added(&state, &tags),
        format!("agent_id={} task_name=api", state.agent_id())
    );
}

#[test]
fn the_newest_status_says_whose_a_container_is() {
    let status = |container: &str, timestamp: f64| json!({"timestamp": timestamp, "container_status": {"container_id": {"value": container, "parent": {"value": "p"}}}});
    let answer = json!({"id": "A", "frameworks": [{"id": "f", "name": "n", "executors": [{"id": "e", "tasks": [
        {"id": "old", "statuses": [status("c", 2.0), status("only-once", 0.5)]},
        {"id": "new", "statuses": [status("c", 3.0), {"state": "TASK_FINISHED"}]},
        {"id": "older", "statuses": [status("c", 1.0), 5, {"container_status": {"container_id": {"value": 3}}}]},
    ]}]}]});
    let (state, skipped) = rest(&answer.to_string()).unwrap();
    assert_eq!(skipped, 1);
    assert_eq!(added(&state, &[("container_id", "c")]), "agent_id=A task_id=new");
    assert_eq!(
        added(&state, &[("container_id", "only-once")]),
        "agent_id=A task_id=old"
    );
    assert!(state.knows("p"));
    assert_eq!(added(&state, &[("container_id", "p")]), "agent_id=A");
}

#[test]
fn several_tasks_in_the_container_of_their_executor_are_not_told_apart() {
    let task =
        |id: &str| json!({"id": id, "statuses": [{"container_status": {"container_id": {"value": "c"}}}]});
    for (tasks, expected) in [
        (json!([task("a")]), "agent_id=A task_id=a"),
        (json!([task("a"), task("b")]), "agent_id=A"),
    ] {
        let executor = json!({"id": "e", "container": "c", "tasks": tasks});
        let answer = json!({"id": "A", "frameworks": [{"id": "f", "name": "n", "executors": [executor]}]});
        let (state, _) = rest(&answer.to_string()).unwrap();
        assert_eq!(added(&state, &[("container_id", "c")]), expected);
    }
}

#[test]
fn tasks_before_and_after_are_known() {
    // As it is shown since 1.0.
    let queued = |id: &str| {
        json!({"name": "web", "task_id": {"value": id}, "slave_id": {"value": "A"},
            "labels": {"labels": [{"key": "team", "value": "search"}]}})
    };
    let task = |id: &str| json!({"id": id});
    let one = "agent_id=A task_id=a task_name=web team=search";
    for (lists, expected) in [
        (json!({"queued_tasks": [queued("a")]}), one),
        (json!({"queued_tasks": [{"name": "no id"}, queued("a")]}), one),
        (
            json!({"queued_tasks": [{"id": "a", "name": "web"}]}),
            "agent_id=A task_id=a task_name=web",
        ),
        (json!({"queued_tasks": [queued("a"), queued("b")]}), "agent_id=A"),
        (
            json!({"tasks": [task("b")], "queued_tasks": [queued("a")]}),
            "agent_id=A",
        ),
        (json!({"completed_tasks": [task("a")]}), "agent_id=A task_id=a"),
        (json!({"completed_tasks": [task("a"), task("b")]}), "agent_id=A"),
        (
            json!({"completed_tasks": [task("a"), task("b")], "tasks": [task("c")]}),
            "agent_id=A task_id=c",
        ),
    ] {
        let mut executor = lists.clone();
        executor["id"] = json!("e");
        executor["container"] = json!("c");
        let answer = json!({"id": "A", "frameworks": [{"id": "f", "name": "n", "executors": [executor]}]});
        let (state, _) = rest(&answer.to_string()).unwrap();
        assert_eq!(added(&state, &[("container_id", "c")]), expected, "{lists}");
    }
}

#[test]
fn without_id_or_frameworks_there_is_no_state() {
    for answer in [
        "",
        "{",
        "[]",
        "3",
        "null",
        "{}",
        r#"{"id":"A"}"#,
        r#"{"id":3,"frameworks":[]}"#,
        r#"{"id":"","frameworks":[]}"#,
        r#"{"id":"A","frameworks":{}}"#,
        r#"{"frameworks":[]}"#,
        r#"{"id":"A","frameworks":[]} x"#,
    ] {
        assert!(rest(answer).is_err(), "{answer}");
        assert!(v1(answer, Some(AGENT)).is_err(), "{answer}");
    }
    assert_eq!(rest(r#"{"id":"A","frameworks":[]}"#).unwrap().1, 0);
    let empty = r#"{"get_state":{"get_frameworks":{}}}"#;
    assert_eq!(v1(empty, Some(AGENT)).unwrap().0.agent_id(), "A1");
    assert!(v1(empty, None).is_err());
    assert!(v1(empty, Some("{}")).is_err());
}

#[test]
fn one_fault_costs_one_part() {
    // Where in the real answer, what is there instead, and how many parts that costs.
    for (path, value, cost) in [
        ("/frameworks/0", json!(3), 1),
        ("/frameworks/0/id", json!(null), 1),
        ("/frameworks/0/name", json!([]), 1),
        ("/frameworks/0/executors", json!("x"), 1),
        ("/frameworks/0/executors/0", json!([]), 1),
        ("/frameworks/0/executors/0/id", json!({}), 1),
        ("/frameworks/0/executors/0/container", json!(7), 0),
        ("/frameworks/0/executors/0/tasks", json!({}), 1),
        ("/frameworks/0/executors/0/queued_tasks", json!({}), 1),
        (
            "/frameworks/0/executors/0/queued_tasks",
            json!([{"name": "x"}]),
            1,
        ),
        ("/frameworks/0/executors/0/completed_tasks", json!("x"), 1),
        ("/frameworks/0/executors/0/completed_tasks", json!([{}]), 1),
        ("/frameworks/0/executors/0/tasks/0", json!(null), 1),
        ("/frameworks/0/executors/0/tasks/0/id", json!(1.5), 1),
        ("/frameworks/0/executors/0/tasks/0/labels", json!(true), 1),
        ("/frameworks/0/executors/0/tasks/0/labels/0", json!("x"), 1),
        ("/frameworks/0/executors/0/tasks/0/statuses", json!({}), 1),
        ("/frameworks/0/executors/0/tasks/0/statuses/0", json!(0), 1),
        (
            "/frameworks/0/executors/0/tasks/0/statuses/0/container_status",
            json!([]),
            0,
        ),
    ] {
        let mut answer: Value = serde_json::from_str(REST).unwrap();
        *answer.pointer_mut(path).unwrap() = value;
        let (state, skipped) = rest(&answer.to_string()).unwrap();
        assert_eq!(skipped, cost, "{path}");
        assert_eq!(state.applications(), 1, "{path}");
        for container in [
            "3007473b-218f-49b2-9c80-db530f72b895",
            "cf0c177b-551b-4aaa-a5b0-492464377f97",
        ] {
            assert!(
                added(&state, &[("container_id", container)]).contains("task_id="),
                "{path}"
            );
        }
    }
}

#[test]
fn too_many_parts_are_cut_off() {
    let framework = r#"{"id":"f","name":"n","executors":[]},"#;
    let many = framework.repeat(crate::agent::MAX_ENTRIES + 10);
    let answer = format!(r#"{{"id":"A","frameworks":[{}]}}"#, many.trim_end_matches(','));
    assert_eq!(rest(&answer).unwrap().1, 10);
}

/// A JSON value of any shape.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{"id": "x", "value": "y"}])),
    ]
}

/// The paths of everything in `value`.
fn paths(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                paths(item, &format!("{at}/{index}"), into);
            }
        }
        Value::Object(items) => {
            for (key, item) in items {
                paths(
                    item,
                    &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    into,
                );
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_answer_is_too_strange(
        rest_api in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any_value()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (api, real) = if rest_api { (AgentApi::Rest, REST) } else { (AgentApi::V1, V1) };
        let mut answer: Value = serde_json::from_str(real).unwrap();
        let mut places = Vec::new();
        paths(&answer, "", &mut places);
        for (place, value) in changes {
            if let Some(there) = answer.pointer_mut(&places[place.index(places.len())]) {
                *there = value;
            }
        }
        let text = answer.to_string();
        let cut = cut.map_or(text.len(), |cut| cut.index(text.len()));
        if let Some(text) = text.get(..cut)
            && let Ok((state, _)) = AgentState::parse(api, text, Some(AGENT), &choice())
        {
            prop_assert!(!state.agent_id().is_empty());
            for container in state.containers.keys() {
                let added = state.added_tags(&[TagRef { key: "container_id", value: container }]);
                prop_assert!(added.iter().all(|tag| !tag.value.is_empty()));
                let mut keys: Vec<_> = added.iter().map(|tag| &tag.key).collect();
                keys.sort_unstable();
                keys.dedup();
                prop_assert_eq!(keys.len(), added.len());
            }
        }
    }
}
