//! Traffic costs no allocations, whatever is in it.

use crate::allocations;
use crate::node::{Node, container};
use std::net::UdpSocket;

/// Containers that send in turn.
struct Flow {
    containers: usize,
    line: fn(usize) -> String,
    lines_per_datagram: usize,
    /// Sent before the core is waited for: at most 40 to a container, which the smallest receive buffer holds.
    burst: usize,
}

/// Bursts before and while allocations are counted.
const BURSTS: usize = 200;

/// Buffers may still grow after the first half of a flow, each a few times, and once a minute there is the summary in the
/// log. Much less than one for each block, let alone datagram or line.
const FEW: u64 = 100;

fn plain(number: usize) -> String {
    format!("myservice.requests.app{}.latency:{number}.5|ms", number % 100)
}

/// All that tasks send which is UTF-8, one line of it.
fn mixed(number: usize) -> String {
    let name = format!("myservice.requests.app{}.latency", number % 100);
    match number % 7 {
        0 => format!("{name}:{number}.5|ms"),
        1 => format!("{name}:1|c|@0.5|#code:200,verb:get"),
        2 => format!("{name}:-3|g|#zone:a"),
        3 => format!("{name}:1:2:3.25|h|#verb:put|T1700000000"),
        4 => format!("{name}:user-{number}|s|c:abc"),
        5 => format!("{name}:garbage|ms|#,x"),
        _ => format!("_sc|{name}|0|#code:200|m:fine"),
    }
}

fn datagrams(flow: &Flow) -> Vec<String> {
    let lines: Vec<_> = (100..100 + flow.burst * flow.lines_per_datagram)
        .map(flow.line)
        .collect();
    lines
        .chunks(flow.lines_per_datagram)
        .map(|lines| lines.join("\n"))
        .collect()
}

/// Allocations of the event loop, after the flow has been there for some time.
fn allocations_of(flow: &Flow) -> u64 {
    let node = Node::start();
    let endpoints: Vec<_> = (0..flow.containers)
        .map(|number| node.core.register(&container(number)).unwrap())
        .collect();
    let task = UdpSocket::bind("127.0.0.1:0").unwrap();
    let datagrams = datagrams(flow);
    let mut sent = 0;
    let mut send_all = || {
        for _ in 0..BURSTS {
            for (at, datagram) in datagrams.iter().enumerate() {
                task.send_to(datagram.as_bytes(), endpoints[at % flow.containers])
                    .unwrap();
                sent += 1;
            }
            node.wait("what was sent", |accounting| {
                accounting.datagrams_received == sent
            });
        }
    };
    send_all();
    let before = allocations::of_event_loop();
    assert!(before > 0, "the allocations of the start are counted");
    send_all();
    let allocated = allocations::of_event_loop() - before;
    node.stop();
    allocated
}

fn check(flow: &Flow) {
    let allocated = allocations_of(flow);
    assert!(
        allocated < FEW,
        "{allocated} allocations for {} datagrams of {} lines from {} containers",
        BURSTS * flow.burst,
        flow.lines_per_datagram,
        flow.containers
    );
}

#[test]
fn large_blocks_allocate_nothing() {
    check(&Flow {
        containers: 1,
        line: mixed,
        lines_per_datagram: 28,
        burst: 40,
    });
}

#[test]
fn many_blocks_at_once_allocate_nothing() {
    check(&Flow {
        containers: 3,
        line: plain,
        lines_per_datagram: 28,
        burst: 120,
    });
}

#[test]
fn blocks_of_many_containers_allocate_nothing() {
    check(&Flow {
        containers: 100,
        line: mixed,
        lines_per_datagram: 1,
        burst: 100,
    });
}
