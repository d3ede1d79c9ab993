//! Tasks, local processes and a collector that mean ill, as far as the core can do something about them (`docs/security.md`).

use crate::node::{PATIENCE, Records, accept, container, start, task};
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Write};

const QUIET: (&str, &str) = ("self_metrics_enabled", "false");

/// A task's own tags stay, for the module forwards what it does not own; the true identity is there too, and in records first.
#[test]
fn a_task_that_names_another_container_is_named_itself_too() {
    let node = start(&[QUIET, ("output_statsd_chunking", "false")]);
    let mut records = Records::of(accept(&node.collector));
    let liar = task(node.core.register(&container("liar")).unwrap());
    liar.send(b"a:1|c|#framework_id:other,executor_id:e-victim,container_id:victim")
        .unwrap();
    let spoofed = "framework_id:other,executor_id:e-victim,container_id:victim";
    let identity = "framework_id:f,executor_id:e-liar,container_id:liar";
    assert_eq!(node.statsd_lines(1), [format!("a:1|c|#{spoofed},{identity}")]);
    let lists = records.datapoints(1);
    let tags: Vec<String> = lists[0]
        .tags
        .iter()
        .map(|tag| format!("{}:{}", tag.key, tag.value))
        .collect();
    assert_eq!(tags.join(","), format!("{identity},{spoofed}"));
    assert_eq!(lists[0].topic, "f", "the topic is not the task's choice");
    node.stop();
}

/// A line cannot pose as one of another container's, nor add lines of its own to the datagram it is forwarded in.
#[test]
fn every_line_has_the_prefix_of_its_own_container() {
    let node = start(&[QUIET, ("output_statsd_annotation_mode", "key_prefix")]);
    let liar = task(node.core.register(&container("liar")).unwrap());
    liar.send(b"a:1|c\nf.e-victim.victim.b:1|c\r\n\nf.e-victim.victim.c:1|c")
        .unwrap();
    assert_eq!(
        node.statsd_lines(3),
        [
            "f.e-liar.liar.a:1|c",
            "f.e-liar.liar.f.e-victim.victim.b:1|c",
            "f.e-liar.liar.f.e-victim.victim.c:1|c"
        ]
    );
    node.stop();
}

#[test]
fn no_other_socket_gets_a_share_of_an_endpoint() {
    let node = start(&[QUIET]);
    let endpoint = node.core.register(&container("c")).unwrap();
    for address in [endpoint, ([0, 0, 0, 0], endpoint.port()).into()] {
        let thief = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        thief.set_reuse_address(true).unwrap();
        let error = thief.bind(&address.into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse, "{address}");
    }
    node.stop();
}

/// It could hide its end behind what it sends, and with that the loss of all further blocks.
#[test]
fn a_collector_that_talks_without_end_is_left_and_tried_again() {
    let node = start(&[QUIET]);
    let mut talker = accept(&node.collector);
    talker.set_write_timeout(Some(PATIENCE)).unwrap();
    let error = loop {
        if let Err(error) = talker.write_all(&[b'x'; 65_536]) {
            break error;
        }
    };
    assert!(
        [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&error.kind()),
        "{error}"
    );
    let sender = task(node.core.register(&container("c")).unwrap());
    sender.send(b"a:1|c").unwrap();
    let mut records = Records::of(accept(&node.collector));
    records.datapoints(1);
    assert_eq!(node.stop().collector_output.unwrap().disconnects, 1);
}
