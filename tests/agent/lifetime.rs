//! An endpoint lives as long as its container.

use crate::node::{Node, Setup};
use crate::task::{Execution, Task};
use std::collections::BTreeSet;
use std::net::UdpSocket;

#[test]
fn ends_with_the_task_while_others_go_on() {
    let Some(node) = Node::start(&Setup::default()) else {
        return;
    };
    let [short, long] = ["short", "long"].map(|name| Task::new(&node, name));
    let [first, second] = [&short, &long].map(|task| Execution::command_task(&node, task, &[]));
    let (container, remaining) = (short.identity().container_id, long.identity().container_id);
    node.wait_for_endpoints(&BTreeSet::from([short.port(), long.port()]));
    assert!(node.state_files().contains(&container));
    drop(short);
    first.finish();
    node.wait_for_endpoints(&BTreeSet::from([long.port()]));
    assert_eq!(node.state_files(), [remaining]);
    drop(long);
    second.finish();
    node.wait_for_endpoints(&BTreeSet::new());
}

#[test]
fn with_two_ports_the_third_task_has_no_endpoint() {
    let first = two_free_ports();
    let range = [first, first + 1].map(|port| port.to_string());
    let setup = Setup {
        parameters: &[
            ("listen_port_mode", "range"),
            ("listen_port_start", &range[0]),
            ("listen_port_end", &range[1]),
        ],
        ..Setup::default()
    };
    let Some(node) = Node::start(&setup) else { return };
    let [one, two, three] = ["one", "two", "three"].map(|name| Task::new(&node, name));
    let executions = [&one, &two].map(|task| Execution::command_task(&node, task, &[]));
    assert_eq!(
        BTreeSet::from([one.port(), two.port()]),
        BTreeSet::from([first, first + 1])
    );
    let third = Execution::command_task(&node, &three, &[]);
    let environment = three.environment();
    let statsd: Vec<_> = environment
        .keys()
        .filter(|name| name.starts_with("STATSD"))
        .collect();
    assert!(statsd.is_empty(), "{statsd:?}");
    let container = three.identity().container_id;
    let depleted = node.agent_log().wait_for_text("has been depleted");
    assert!(
        depleted.starts_with('E') && depleted.contains(&container),
        "{depleted}"
    );

    // The next one gets what the first one leaves.
    drop(one);
    node.wait_for_endpoints(&BTreeSet::from([two.port()]));
    let four = Task::new(&node, "four");
    let fourth = Execution::command_task(&node, &four, &[]);
    assert_ne!(four.port(), two.port());
    drop((two, three, four));
    executions
        .into_iter()
        .chain([third, fourth])
        .for_each(Execution::finish);
    node.wait_for_endpoints(&BTreeSet::new());
}

/// The first of two.
fn two_free_ports() -> u16 {
    loop {
        let first = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        if first < u16::MAX && UdpSocket::bind(("127.0.0.1", first + 1)).is_ok() {
            return first;
        }
    }
}
