//! Many short tasks, after which the agent is as it was before.

use crate::node::{Node, Setup};
use crate::sockets;
use crate::task::{Execution, Task};
use std::collections::BTreeSet;

/// In groups, in which Mesos starts a container per task and one for the executor, and alone, with an executor each.
const GROUPS: usize = 9;
const GROUP: usize = 20;
const ALONE: usize = 20;
const ALONE_AT_ONCE: usize = 4;

#[test]
fn of_two_hundred_short_tasks_leaves_nothing_behind() {
    let Some(node) = Node::start(&Setup::default()) else {
        return;
    };
    // What Mesos opens and allocates once comes with the first.
    group(&node, 0);
    alone(&node, 0);
    node.wait_for_endpoints(&BTreeSet::new());
    let before = sockets::descriptors(node.agent()).len();
    let resident = sockets::resident_kbytes(node.agent());
    for number in 1..=GROUPS {
        group(&node, number);
    }
    for number in 1..=ALONE / ALONE_AT_ONCE {
        alone(&node, number);
    }
    node.wait_for_endpoints(&BTreeSet::new());
    crate::eventually(&format!("no more than {before} file descriptors"), || {
        (sockets::descriptors(node.agent()).len() <= before).then_some(())
    });
    let growth = sockets::resident_kbytes(node.agent()).saturating_sub(resident);
    eprintln!("{before} file descriptors as before; {growth} kB more memory");
    // Mesos itself remembers what has run.
    assert!(growth < 32 * 1024, "{growth} kB more than {resident}");
}

/// Tasks that send once and end.
fn group(node: &Node, number: usize) {
    let infos: Vec<_> = (0..GROUP)
        .map(|task| {
            let mut task = Task::new(node, &format!("g{number}-{task}"));
            task.send("done:1|c");
            let info = task.info();
            (task, info)
        })
        .collect();
    let execution = Execution::task_group(
        node,
        &infos.iter().map(|(_, info)| info.clone()).collect::<Vec<_>>(),
    );
    for (task, _) in infos {
        task.environment();
    }
    execution.finish();
}

fn alone(node: &Node, number: usize) {
    let executions: Vec<_> = (0..ALONE_AT_ONCE)
        .map(|task| {
            let mut task = Task::new(node, &format!("a{number}-{task}"));
            task.send("done:1|c");
            (Execution::command_task(node, &task, &[]), task)
        })
        .collect();
    for (execution, task) in executions {
        task.environment();
        drop(task);
        execution.finish();
    }
}
