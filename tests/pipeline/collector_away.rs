//! The collector is not there, goes away in the middle of a block, or never reads.

use crate::node::{Node, Records, accept, container, start, task, wait};
use socket2::{Domain, Socket, Type};
use stats_schema::Layout;
use stats_slave::accounting::Accounting;
use std::collections::BTreeSet;
use std::io::Read;
use std::net::TcpListener;

const QUIET: (&str, &str) = ("self_metrics_enabled", "false");
/// With the header of 2016 nobody is asked to acknowledge anything: what the kernel has taken is forwarded.
const OLD: (&str, &str) = ("output_collector_metric_types", "false");

/// Sends numbered gauges, a block's worth a datagram, and waits until they are read.
fn send(node: &Node, sender: &std::net::UdpSocket, numbers: std::ops::Range<u32>) {
    let before = node.core.accounting().unwrap().lines_received;
    let count = u64::from(numbers.end - numbers.start);
    let lines: Vec<String> = numbers.map(|number| format!("n:{number}|g")).collect();
    for datagram in lines.chunks(100) {
        sender.send(datagram.join("\n").as_bytes()).unwrap();
    }
    wait(&node.core, "the lines", |now| {
        now.lines_received == before + count
    });
}

fn numbers(lists: &[stats_schema::MetricList]) -> Vec<u32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    lists
        .iter()
        .flat_map(|list| &list.datapoints)
        .map(|d| d.value as u32)
        .collect()
}

#[test]
fn away_at_the_start_everything_that_was_queued_arrives() {
    let node = start(&[QUIET, OLD]);
    let address = node.collector.local_addr().unwrap();
    let node = node.without_collector();
    wait(&node.core, "the end of the connection", |now| {
        now.collector_output.as_ref().unwrap().disconnects >= 1
    });
    let sender = task(node.core.register(&container("c")).unwrap());
    send(&node, &sender, 0..1000);
    let listener = TcpListener::bind(address).unwrap();
    let lists = Records::of(accept(&listener)).datapoints(1000);
    assert_eq!(numbers(&lists), (0..1000).collect::<Vec<_>>());
    let collector = node.stop().collector_output.unwrap();
    assert_eq!(
        (
            collector.datapoints_forwarded,
            collector.datapoints_dropped.total()
        ),
        (1000, 0)
    );
}

#[test]
fn dying_in_the_middle_of_a_block_it_gets_that_block_again_and_whole() {
    let node = start(&[QUIET, OLD, ("output_collector_queue_kbytes", "65536")]);
    let address = node.collector.local_addr().unwrap();
    // A small window, so that the core is left with a block half written.
    let mut node = node.without_collector();
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.set_recv_buffer_size(4096).unwrap();
    listener.set_reuse_address(true).unwrap();
    listener.bind(&address.into()).unwrap();
    listener.listen(1).unwrap();
    node.collector = listener.into();
    let mut stream = accept(&node.collector);
    let books = |now: &Accounting| now.collector_output.clone().unwrap();
    let connects = books(&wait(&node.core, "the connection", |now| {
        books(now).connects > books(now).disconnects
    }))
    .connects;
    let sender = task(node.core.register(&container("c")).unwrap());
    let mut sent = 0;
    // Until the kernel takes no more, so that the last block it took is there in part only.
    loop {
        send(&node, &sender, sent..sent + 10_000);
        sent += 10_000;
        let now = node.core.accounting().unwrap().collector_output.unwrap();
        if now.datapoints_pending > 5_000 {
            break;
        }
    }
    let mut bytes = vec![0; 20_000];
    stream.read_exact(&mut bytes).unwrap();
    let forwarded = node
        .core
        .accounting()
        .unwrap()
        .collector_output
        .unwrap()
        .datapoints_forwarded;
    drop(stream);

    let lists =
        Records::of(accept(&node.collector)).until(|lists| numbers(lists).last() == Some(&(sent - 1)));
    let second = numbers(&lists);
    // In order, without a gap from the first number on, and beginning with a block that was not forwarded whole before.
    assert_eq!(second, (second[0]..sent).collect::<Vec<_>>());
    assert!(
        u64::from(second[0]) >= forwarded,
        "{} came again, {forwarded} were forwarded",
        second[0]
    );
    assert_eq!(second[0] % 100, 0, "a block begins there");
    let collector = node.stop().collector_output.unwrap();
    assert_eq!(collector.connects, connects + 1);
    assert_eq!(collector.datapoints_forwarded, u64::from(sent));
}

#[test]
fn dying_with_blocks_it_has_not_taken_over_they_go_to_the_next_one() {
    let node = start(&[QUIET]);
    let mut first = Records::of(accept(&node.collector));
    first.acknowledge(0);
    let sender = task(node.core.register(&container("c")).unwrap());
    send(&node, &sender, 0..1000);
    assert_eq!(first.datapoints(1000).len(), 10);
    first.acknowledge(3);
    wait(&node.core, "what is acknowledged", |now| {
        now.collector_output.as_ref().unwrap().datapoints_forwarded == 300
    });
    drop(first);

    let mut second = Records::of(accept(&node.collector));
    assert_eq!(numbers(&second.datapoints(700)), (300..1000).collect::<Vec<_>>());
    second.acknowledge(7);
    let now = wait(&node.core, "the rest", |now| {
        now.collector_output.as_ref().unwrap().datapoints_forwarded == 1000
    });
    let books = now.collector_output.unwrap();
    assert_eq!((books.datapoints_sent_again, books.datapoints_pending), (700, 0));
    // More than it was sent is no collector's word.
    second.acknowledge(8);
    let mut third = Records::of(accept(&node.collector));
    send(&node, &sender, 1000..1100);
    assert_eq!(third.datapoints(100).len(), 1);
    let collector = node.stop().collector_output.unwrap();
    assert_eq!(
        collector.datapoints_forwarded + collector.datapoints_dropped.total(),
        1100
    );
}

#[test]
fn one_that_never_acknowledges_is_taken_for_one_of_2016() {
    let node = start(&[QUIET]);
    let mut records = Records::of(accept(&node.collector));
    let sender = task(node.core.register(&container("c")).unwrap());
    send(&node, &sender, 0..1000);
    records.datapoints(1000);
    let books = wait(&node.core, "the end of the wait for a word", |now| {
        now.collector_output.as_ref().unwrap().datapoints_forwarded == 1000
    });
    assert_eq!(books.collector_output.unwrap().datapoints_sent_again, 0);
}

#[test]
fn never_reading_it_costs_the_queue_and_no_more() {
    let node = start(&[QUIET, ("output_collector_queue_kbytes", "256")]);
    let stream = accept(&node.collector);
    let sender = task(node.core.register(&container("c")).unwrap());
    let mut sent = 0;
    let dropped = loop {
        send(&node, &sender, sent..sent + 10_000);
        sent += 10_000;
        let now = node.core.accounting().unwrap().collector_output.unwrap();
        assert!(now.bytes_pending <= 256 << 10, "{now:?}");
        if now.datapoints_dropped.queue_full > 10_000 {
            break now.datapoints_dropped.queue_full;
        }
        assert!(sent < 5_000_000, "nothing was ever dropped");
    };
    // The StatsD output never noticed.
    wait(&node.core, "the other output", |now| {
        now.statsd_output.as_ref().unwrap().lines_forwarded + 50 > u64::from(sent)
    });
    // What is left arrives, the newest above all, when it reads after all.
    let mut records = Records::of(stream);
    let lists = records.until(|lists| numbers(lists).last() == Some(&(sent - 1)));
    let arrived: BTreeSet<u32> = numbers(&lists).into_iter().collect();
    assert_eq!(arrived.len() as u64 + dropped, u64::from(sent));
    node.stop();
}

#[test]
fn what_it_never_took_is_counted_at_the_end() {
    let node = start(&[QUIET]);
    let node = node.without_collector();
    let sender = task(node.core.register(&container("c")).unwrap());
    wait(&node.core, "the end of the connection", |now| {
        now.collector_output.as_ref().unwrap().disconnects >= 1
    });
    send(&node, &sender, 0..250);
    let collector = node.stop().collector_output.unwrap();
    assert_eq!(
        (collector.datapoints, collector.datapoints_dropped.shutdown),
        (250, 250)
    );
}

#[test]
fn that_it_closed_the_connection_is_noticed_before_data_goes_to_nobody() {
    let node = start(&[QUIET]);
    let mut stream = accept(&node.collector);
    // All that came is read, so that it ends in the good way and the kernel has no error to tell.
    stream
        .read_exact(&mut vec![0; Layout::Typed.header().len()])
        .unwrap();
    drop(stream);
    wait(&node.core, "the news", |now| {
        now.collector_output.as_ref().unwrap().disconnects == 1
    });
    let sender = task(node.core.register(&container("c")).unwrap());
    send(&node, &sender, 0..100);
    let lists = Records::of(accept(&node.collector)).datapoints(100);
    assert_eq!(numbers(&lists), (0..100).collect::<Vec<_>>());
    node.stop();
}
