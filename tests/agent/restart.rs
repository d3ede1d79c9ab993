//! The agent is killed while tasks run, and comes back.

use crate::node::{Node, Setup};
use crate::task::{Execution, Task};
use crate::two_tasks::arrived;
use std::collections::BTreeSet;

#[test]
fn leaves_the_ports_and_the_counters_as_they_were() {
    let Some(mut node) = Node::start(&Setup::default()) else {
        return;
    };
    let mut tasks = ["one", "two"].map(|name| Task::new(&node, name));
    let executions = tasks
        .each_ref()
        .map(|task| Execution::command_task(&node, task, &["--checkpoint"]));
    // Without checkpoints Mesos ends it with the agent.
    let lost = Task::new(&node, "lost");
    let _lost_execution = Execution::command_task(&node, &lost, &[]);
    let ports: BTreeSet<_> = tasks.iter().map(Task::port).collect();
    let all: BTreeSet<_> = ports.iter().copied().chain([lost.port()]).collect();
    assert_eq!(all.len(), 3);
    node.wait_for_endpoints(&all);
    for (task, execution) in tasks.iter_mut().zip(&executions) {
        execution.wait_for("TASK_RUNNING", task);
        task.send("hits:1|c");
    }
    wait_for_hits(&node, 2);

    node.kill_and_restart_agent();
    node.wait_for_endpoints(&ports);
    for task in &mut tasks {
        task.send("hits:2|c");
    }
    wait_for_hits(&node, 4);
    // Once more, from what the second agent left.
    node.kill_and_restart_agent();
    node.wait_for_endpoints(&ports);
    for task in &mut tasks {
        task.send("hits:3|c");
    }
    wait_for_hits(&node, 6);

    let identities = tasks.each_ref().map(Task::identity);
    drop(tasks);
    executions.into_iter().for_each(Execution::finish);
    node.wait_for_endpoints(&BTreeSet::new());
    let hits = arrived(&node.end_collector(), "hits");
    for identity in identities {
        let values: Vec<_> = hits
            .iter()
            .filter(|(of, _)| *of == identity)
            .map(|(_, value)| *value)
            .collect();
        assert_eq!(values, [1.0, 2.0, 3.0]);
    }
    assert_eq!(hits.len(), 6);
}

/// Waits until so many datapoints called `hits` have come.
pub(crate) fn wait_for_hits(node: &Node, count: usize) {
    node.records.wait_for(&format!("{count} hits"), |lines| {
        (lines
            .iter()
            .map(|line| line.matches("\"hits\"").count())
            .sum::<usize>()
            == count)
            .then_some(())
    });
}
