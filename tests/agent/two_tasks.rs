//! What a task sends carries the task's identity and no other's.

use crate::eventually;
use crate::node::{Node, Setup};
use crate::sockets;
use crate::task::{Execution, Identity, Task};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The identity in a record's tags.
pub(crate) fn identity(record: &Value) -> Identity {
    let tag = |key: &str| {
        let mut values = record["tags"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|tag| tag["key"] == key);
        let value = values.next().unwrap()["value"].as_str().unwrap().to_owned();
        assert!(values.next().is_none(), "{key} twice in {record}");
        value
    };
    Identity {
        framework_id: tag("framework_id"),
        executor_id: tag("executor_id"),
        container_id: tag("container_id"),
    }
}

/// What arrived under a name: whose it is and its value.
pub(crate) fn arrived(records: &[Value], name: &str) -> Vec<(Identity, f64)> {
    let of_record = |record: &Value| -> Vec<_> {
        let datapoints = record["datapoints"].as_array().unwrap();
        let named = datapoints.iter().filter(|datapoint| datapoint["name"] == name);
        named
            .map(|datapoint| (identity(record), datapoint["value"].as_f64().unwrap()))
            .collect()
    };
    records.iter().flat_map(of_record).collect()
}

#[test]
fn are_never_mixed() {
    let Some(mut node) = Node::start(&Setup::default()) else {
        return;
    };
    let mut tasks = ["one", "two"].map(|name| Task::new(&node, name));
    let executions = tasks
        .each_ref()
        .map(|task| Execution::command_task(&node, task, &[]));
    let ports: BTreeSet<u16> = tasks.iter().map(Task::port).collect();
    assert_eq!(ports.len(), 2);
    node.wait_for_endpoints(&ports);
    // What they send last is under way when the agent has forgotten them, but is theirs all the same.
    eventually("tags of both tasks", || {
        tasks.iter_mut().for_each(|task| task.send("hello:1|c"));
        let lines = node.records.so_far();
        let is_tagged = |task: &Task| {
            let tag = json!({"key": "task_id", "value": task.name}).to_string();
            lines
                .iter()
                .any(|line| line.contains("\"hello\"") && line.contains(&tag))
        };
        tasks.iter().all(is_tagged).then_some(())
    });
    for round in 0..10 {
        tasks[0].send(&format!("first:{round}|g"));
        tasks[1].send(&format!("second:{round}|g"));
    }
    let identities = tasks.each_ref().map(Task::identity);
    assert_ne!(identities[0].framework_id, identities[1].framework_id);
    assert_eq!(
        identities
            .each_ref()
            .map(|identity| identity.executor_id.as_str()),
        ["one", "two"]
    );
    for task in &tasks {
        holds_nothing_of_the_agent(&node, task);
    }
    drop(tasks);
    executions.into_iter().for_each(Execution::finish);

    node.wait_for_endpoints(&BTreeSet::new());
    node.records.wait_for("the last of both", |lines| {
        let last = |name: &str| {
            lines
                .iter()
                .any(|line| line.contains(name) && line.contains("\"value\":9.0"))
        };
        (last("first") && last("second")).then_some(())
    });
    let records = node.end_collector();
    for (name, identity) in ["first", "second"].iter().zip(identities) {
        let expected: Vec<_> = (0..10)
            .map(|round| (identity.clone(), f64::from(round)))
            .collect();
        assert_eq!(arrived(&records, name), expected);
    }
    for record in &records {
        let Some(task) = task_of(record) else {
            continue;
        };
        assert_eq!(record["topic"], identity(record).framework_id, "{record}");
        // What only the agent knows, which the collector asked.
        for (key, value) in [
            ("task_id", task),
            ("task_name", task),
            ("framework_name", "mesos-execute instance"),
        ] {
            let tag = json!({"key": key, "value": value});
            assert!(
                record["tags"].as_array().unwrap().contains(&tag),
                "{tag} in {record}"
            );
        }
    }
}

/// The task that sent what is in a record.
fn task_of(record: &Value) -> Option<&'static str> {
    let datapoints = record["datapoints"].as_array().unwrap();
    let has = |name| datapoints.iter().any(|datapoint| datapoint["name"] == name);
    match (has("first"), has("second")) {
        (true, false) => Some("one"),
        (false, true) => Some("two"),
        (false, false) => None,
        (true, true) => panic!("both in {record}"),
    }
}

/// A launched task holds none of the module's sockets and files.
fn holds_nothing_of_the_agent(node: &Node, task: &Task) {
    let agents: BTreeSet<_> = sockets::descriptors(node.agent())
        .into_iter()
        .filter(|target| target.starts_with("socket:") || target.contains("/state"))
        .collect();
    assert!(!agents.is_empty());
    for target in task.descriptors() {
        assert!(
            !agents.contains(&target),
            "task {} holds the agent's {target}",
            task.name
        );
        assert!(
            !target.starts_with("anon_inode:"),
            "task {} holds {target}",
            task.name
        );
    }
}
