//! The agent is killed while tasks run, and comes back.

use crate::eventually;
use crate::node::{Node, Setup};
use crate::task::{Execution, Task};
use crate::two_tasks::arrived;
use std::collections::BTreeSet;
use std::ops::Range;

/// How many numbers each task sends while the agent is up, and while it is down.
const UP: u32 = 50;
const DOWN: u32 = 10;

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

/// Numbered lines from before to after: what was sent while an agent ran arrives once, and of the rest the kernel tells the
/// task that nobody listened, or it arrives once.
#[test]
fn costs_no_line_but_those_refused_to_the_task() {
    let Some(mut node) = Node::start(&Setup::default()) else {
        return;
    };
    let mut tasks = ["one", "two"].map(|name| Task::new(&node, name));
    let executions = tasks
        .each_ref()
        .map(|task| Execution::command_task(&node, task, &["--checkpoint"]));
    let ports: BTreeSet<_> = tasks.iter().map(Task::port).collect();
    node.wait_for_endpoints(&ports);
    let mut sent = 0..0;
    let (mut arrive, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..2 {
        // That these are through, so that none dies in the agent's buffers.
        sent = send_and_wait(&node, &mut tasks, sent.end..sent.end + UP);
        arrive.extend(sent.clone());

        node.kill_agent();
        sent = sent.end..sent.end + DOWN;
        for task in &mut tasks {
            for number in sent.clone() {
                task.send(&line(task, number));
                // The kernel says it when the next is sent, in order.
                if let Some(before) = number.checked_sub(1).filter(|before| sent.contains(before)) {
                    let before = line(task, before);
                    eventually(&format!("{before} refused"), || {
                        task.refused().contains(&before).then_some(())
                    });
                }
            }
        }
        refused.extend(sent.clone());

        node.start_agent();
        eventually("the agent is back", || {
            for task in &mut tasks {
                task.send(&line(task, sent.end));
            }
            sent.end += 1;
            node.agent_is_back().then_some(())
        });
        node.wait_for_endpoints(&ports);
    }
    sent = send_and_wait(&node, &mut tasks, sent.end..sent.end + UP);
    arrive.extend(sent.clone());

    let all: Vec<_> = (0..sent.end).collect();
    let told = tasks.each_ref().map(Task::refused);
    let names = tasks.each_ref().map(|task| task.name.clone());
    let identities = tasks.each_ref().map(Task::identity);
    drop(tasks);
    executions.into_iter().for_each(Execution::finish);
    let records = node.end_collector();
    for ((name, identity), told) in names.iter().zip(identities).zip(told) {
        let arrived = arrived(&records, &metric(name));
        assert!(arrived.iter().all(|(of, _)| *of == identity), "{name}");
        let arrived: Vec<_> = arrived.iter().map(|(_, value)| format!("{value}")).collect();
        let told: Vec<_> = told
            .iter()
            .map(|line| line[line.find(':').unwrap() + 1..line.find('|').unwrap()].to_owned())
            .collect();
        eprintln!(
            "{name}: {} numbers arrived, {} were refused",
            arrived.len(),
            told.len()
        );
        let mut fates: Vec<u32> = arrived
            .iter()
            .chain(&told)
            .map(|number| number.parse().unwrap())
            .collect();
        fates.sort_unstable();
        assert_eq!(fates, all, "{name}: arrived {arrived:?}, refused {told:?}");
        for (numbers, fate) in [(&arrive, &arrived), (&refused, &told)] {
            assert!(
                numbers.iter().all(|number| fate.contains(&number.to_string())),
                "{name}"
            );
        }
    }
}

fn metric(task: &str) -> String {
    format!("numbers.{task}")
}

fn line(task: &Task, number: u32) -> String {
    format!("{}:{number}|g", metric(&task.name))
}

/// Sends these numbers from each task, and waits until the collector has the last.
fn send_and_wait(node: &Node, tasks: &mut [Task], numbers: Range<u32>) -> Range<u32> {
    for task in &mut *tasks {
        for number in numbers.clone() {
            task.send(&line(task, number));
        }
    }
    for task in tasks {
        let last = format!(r#""name":"{}""#, metric(&task.name));
        let value = format!(r#""value":{}.0"#, numbers.end - 1);
        node.records.wait_for(&format!("{last} {value}"), |lines| {
            let has = |line: &String| {
                line.split('{')
                    .any(|part| part.contains(&last) && part.contains(&value))
            };
            lines.iter().any(has).then_some(())
        });
    }
    numbers
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
