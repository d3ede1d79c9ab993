//! The StatsD destination can't be found, or nobody listens there.

use crate::node::{Node, PATIENCE, container, start, task, wait};
use std::net::UdpSocket;
use std::time::Duration;

const QUIET: (&str, &str) = ("self_metrics_enabled", "false");

#[test]
fn without_a_name_lines_are_dropped_and_counted() {
    let node = start(&[QUIET, ("output_statsd_host", "no-such-host.invalid")]);
    let sender = task(node.core.register(&container("c")).unwrap());
    sender.send(b"a:1|c\nb:2|c").unwrap();
    wait(&node.core, "the drop", |now| {
        now.statsd_output.as_ref().unwrap().lines_dropped.no_destination == 2
    });
    let statsd = node.stop().statsd_output.unwrap();
    assert!(statsd.bytes_dropped > 0);
}

#[test]
fn a_name_is_resolved_off_the_loop() {
    let node = start(&[QUIET, ("output_statsd_host", "localhost")]);
    let sender = task(node.core.register(&container("c")).unwrap());
    // Lines from before the first answer are dropped (metrics-vectors.md 4.1).
    loop {
        sender.send(b"a:1|c").unwrap();
        node.statsd
            .set_read_timeout(Some(Duration::from_millis(1500)))
            .unwrap();
        if node.statsd.recv(&mut [0; 2048]).is_ok() {
            break;
        }
    }
    let statsd = node.stop().statsd_output.unwrap();
    assert!(statsd.lines_forwarded > 0);
}

#[test]
fn nobody_listening_is_noticed_and_does_not_stop_the_rest() {
    let node = start(&[QUIET, ("output_statsd_chunking", "false")]);
    let sender = task(node.core.register(&container("c")).unwrap());
    let receiver = node.statsd.local_addr().unwrap();
    let Node {
        core,
        state_dir,
        statsd,
        collector,
    } = node;
    drop(statsd);
    let node = Node {
        core,
        state_dir,
        statsd: UdpSocket::bind("127.0.0.1:0").unwrap(),
        collector,
    };
    wait(&node.core, "the news that nobody listens", |now| {
        sender.send(b"a:1|c").unwrap();
        now.statsd_output.as_ref().unwrap().datagrams_refused > 0
    });
    let again = UdpSocket::bind(receiver).unwrap();
    again.set_read_timeout(Some(PATIENCE)).unwrap();
    sender.send(b"b:1|c").unwrap();
    again.recv(&mut [0; 2048]).unwrap();
    let statsd = node.stop().statsd_output.unwrap();
    assert_eq!(statsd.lines_dropped.total(), 0);
}

#[test]
fn a_line_longer_than_a_datagram_is_dropped_alone() {
    let node = start(&[QUIET]);
    let sender = task(node.core.register(&container("c")).unwrap());
    let mut long = vec![b'x'; 65_490];
    long.extend(b":1|c");
    sender.send(&long).unwrap();
    sender.send(b"short:1|c").unwrap();
    assert!(node.statsd_lines(1)[0].starts_with("short:1|c|#"));
    let statsd = node.stop().statsd_output.unwrap();
    assert_eq!((statsd.lines_dropped.too_long, statsd.lines_forwarded), (1, 1));
}
