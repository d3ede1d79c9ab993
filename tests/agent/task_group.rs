//! Tasks that share an executor have an endpoint each.

use crate::node::{Node, Setup};
use crate::task::{Execution, Task};
use crate::two_tasks::arrived;
use serde_json::json;
use std::collections::BTreeSet;

const TASKS: usize = 20;

#[test]
fn of_twenty_gives_each_its_endpoint() {
    let Some(mut node) = Node::start(&Setup::default()) else {
        return;
    };
    let mut tasks: Vec<_> = (0..TASKS)
        .map(|number| Task::new(&node, &format!("t{number}")))
        .collect();
    let infos: Vec<_> = tasks.iter().map(Task::info).collect();
    let execution = Execution::task_group(&node, &infos);
    let ports: BTreeSet<_> = tasks.iter().map(Task::port).collect();
    assert_eq!(ports.len(), TASKS);
    // The executor has one too.
    let endpoints = node.endpoints();
    assert!(
        endpoints.is_superset(&ports) && endpoints.len() == TASKS + 1,
        "{ports:?} in {endpoints:?}"
    );
    for (number, task) in tasks.iter_mut().enumerate() {
        task.send(&format!("number:{number}|g"));
    }
    let identities: Vec<_> = tasks.iter().map(Task::identity).collect();
    drop(tasks);
    execution.finish();
    node.wait_for_endpoints(&BTreeSet::new());

    node.records.wait_for("all numbers", |lines| {
        (lines
            .iter()
            .map(|line| line.matches("\"number\"").count())
            .sum::<usize>()
            == TASKS)
            .then_some(())
    });
    let records = node.end_collector();
    let mut arrived = arrived(&records, "number");
    arrived.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    for (number, (identity, value)) in arrived.into_iter().enumerate() {
        assert_eq!(value, number as f64);
        assert_eq!(identity, identities[number]);
        assert_eq!(identity.framework_id, identities[0].framework_id);
        assert_ne!(identity.executor_id, "");
    }
}

#[test]
fn with_health_checks_has_no_endpoints_for_the_checks() {
    let Some(node) = Node::start(&Setup::default()) else {
        return;
    };
    let task = Task::new(&node, "checked");
    let mut info = task.info();
    info["health_check"] = json!({
        "type": "COMMAND", "delay_seconds": 0, "interval_seconds": 0.1, "timeout_seconds": 60, "grace_period_seconds": 60,
        "command": {"value": "true"},
    });
    let execution = Execution::task_group(&node, &[info]);
    let port = task.port();
    // Mesos runs each of them in a container of its own.
    node.agent_log().wait_for("five health checks", |lines| {
        let checks = lines
            .iter()
            .filter(|line| line.contains("LAUNCH_NESTED_CONTAINER_SESSION"))
            .count();
        (checks >= 5).then_some(())
    });
    let endpoints = node.endpoints();
    assert!(
        endpoints.contains(&port) && endpoints.len() == 2,
        "{port} in {endpoints:?}"
    );
    assert_eq!(node.state_files().len(), 2);
    drop(task);
    execution.finish();
    node.wait_for_endpoints(&BTreeSet::new());
    let prepared = node.agent_log().so_far();
    assert_eq!(
        prepared
            .iter()
            .filter(|line| line.contains("Container prepare:"))
            .count(),
        2
    );
}
