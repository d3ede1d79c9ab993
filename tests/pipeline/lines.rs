//! What a task sends is what arrives, with its container's tags.

use crate::node::{Records, accept, container, start, task, wait};
use stats_schema::{MetricType, Tag};

#[test]
fn a_packet_arrives_as_tagged_lines_and_tagged_records() {
    let node = start(&[("self_metrics_enabled", "false")]);
    let mut records = Records::of(accept(&node.collector));
    let first = task(node.core.register(&container("c1")).unwrap());
    let second = task(node.core.register(&container("c2")).unwrap());
    first
        .send(b"a:1|c|@0.5\nb:2:3|ms|#x:y\r\n\n_sc|redis|0\nc:nan|g")
        .unwrap();
    wait(&node.core, "the first packet", |now| now.lines_received == 4);
    second.send(b"a:7|g|T1650000000").unwrap();

    let t1 = "framework_id:f,executor_id:e-c1,container_id:c1";
    let t2 = "framework_id:f,executor_id:e-c2,container_id:c2";
    assert_eq!(
        node.statsd_lines(5),
        [
            format!("a:1|c|@0.5|#{t1}"),
            format!("b:2:3|ms|#x:y,{t1}"),
            format!("_sc|redis|0|#{t1}"),
            format!("c:nan|g|#{t1}"),
            format!("a:7|g|T1650000000|#{t2}"),
        ]
    );

    let lists = records.datapoints(4);
    let tag = |key: &str, value: &str| Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let tags = |id: &str| {
        vec![
            tag("framework_id", "f"),
            tag("executor_id", &format!("e-{id}")),
            tag("container_id", id),
        ]
    };
    assert!(lists.iter().all(|list| list.topic == "f"));
    let own = |lists: &[stats_schema::MetricList], at: usize| {
        (
            lists[at].tags.clone(),
            lists[at]
                .datapoints
                .iter()
                .map(|d| (d.name.clone(), d.value, d.metric_type))
                .collect::<Vec<_>>(),
        )
    };
    let with_tag = [tags("c1"), vec![tag("x", "y")]].concat();
    assert_eq!(
        own(&lists, 0),
        (tags("c1"), vec![("a".to_owned(), 2.0, MetricType::Counter)])
    );
    assert_eq!(
        own(&lists, 1),
        (with_tag.clone(), vec![("b".to_owned(), 2.0, MetricType::Timer)])
    );
    assert_eq!(
        own(&lists, 2),
        (with_tag, vec![("b".to_owned(), 3.0, MetricType::Timer)])
    );
    assert_eq!(
        own(&lists, 3),
        (tags("c2"), vec![("a".to_owned(), 7.0, MetricType::Gauge)])
    );
    assert_eq!(lists[3].datapoints[0].time_ms, 1_650_000_000_000);

    let accounting = node.stop();
    let collector = accounting.collector_output.unwrap();
    assert_eq!((collector.service_checks, collector.values_non_finite), (1, 1));
    assert_eq!(accounting.statsd_output.unwrap().lines_forwarded, 5);
}

#[test]
fn old_bytes_are_the_old_bytes() {
    // metrics-vectors.md 7.1, 7.3: the header of 601 bytes, then one block.
    use std::io::Read;
    let node = start(&[
        ("output_collector_metric_types", "false"),
        ("self_metrics_enabled", "false"),
    ]);
    let mut stream = accept(&node.collector);
    let endpoint = node.core.register(&container("cid")).unwrap();
    task(endpoint).send(b"hello:3.8:4|ms|T1472688000").unwrap();
    let mut header = vec![0; 601];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header, stats_schema::Layout::Old.header());
    let mut record = Vec::new();
    record.extend(
        b"\x02f\x06\x18framework_id\x02f\x16executor_id\x0ae-cid\x18container_id\x06cid\x00\x02\x0ahello",
    );
    stats_schema::put_long(&mut record, 1_472_688_000_000);
    record.extend(3.8_f64.to_le_bytes());
    record.push(0);
    let mut expected = vec![0x02];
    stats_schema::put_long(&mut expected, i64::try_from(record.len()).unwrap());
    expected.extend(record);
    expected.extend(b"FEFEFEFEFEFEFEFE");
    let mut block = vec![0; expected.len()];
    stream.read_exact(&mut block).unwrap();
    assert_eq!(block, expected);
    let accounting = node.stop();
    assert_eq!(accounting.collector_output.unwrap().values_not_first, 1);
}

#[test]
fn the_module_speaks_of_each_container_and_of_itself() {
    let node = start(&[
        ("container_limit_period_secs", "1"),
        ("container_limit_amount_kbytes", "0"),
    ]);
    let mut records = Records::of(accept(&node.collector));
    let endpoint = node.core.register(&container("c")).unwrap();
    let sender = task(endpoint);
    for line in ["hello", "hey", "hi"] {
        sender.send(line.as_bytes()).unwrap();
    }
    // metrics-vectors.md 3.3: with a limit of 0 nothing passes but what the module says of it.
    let named = |name: &'static str| {
        move |lists: &[stats_schema::MetricList]| {
            lists
                .iter()
                .flat_map(|list| list.datapoints.iter().map(move |d| (list, d)))
                .any(|(list, d)| {
                    d.name == format!("dcos.metrics.module.{name}") && d.value == 10.0 && list.topic == "f"
                })
        }
    };
    let lists = records.until(named("container_throttled_bytes_per_sec"));
    assert!(named("container_received_bytes_per_sec")(&lists));
    let of_module = |lists: &[stats_schema::MetricList]| {
        lists.iter().any(|list| {
            list.topic == "agent"
                && list.tags.is_empty()
                && list
                    .datapoints
                    .iter()
                    .any(|d| d.name == "dcos.metrics.module.datagrams_throttled" && d.value == 3.0)
        })
    };
    if !of_module(&lists) {
        records.until(of_module);
    }
    assert!(
        lists
            .iter()
            .flat_map(|list| &list.datapoints)
            .all(|d| d.name.starts_with("dcos.metrics.module."))
    );
    let accounting = node.stop();
    assert_eq!(
        (
            accounting.datagrams_throttled,
            accounting.bytes_throttled,
            accounting.lines_received
        ),
        (3, 10, 0)
    );
}

#[test]
fn a_limit_lets_the_datagram_pass_that_reaches_it() {
    // metrics-vectors.md 3.3 with a limit of a KiB: three times 512 bytes; the second reaches it, the third begins at it.
    let node = start(&[
        ("container_limit_amount_kbytes", "1"),
        ("self_metrics_enabled", "false"),
    ]);
    let sender = task(node.core.register(&container("c")).unwrap());
    for _ in 0..3 {
        sender.send(&[b'x'; 512]).unwrap();
    }
    wait(&node.core, "all three", |now| now.datagrams_received == 3);
    let accounting = node.stop();
    assert_eq!(
        (
            accounting.datagrams_read,
            accounting.bytes_received,
            accounting.bytes_throttled
        ),
        (2, 1536, 512)
    );
}

#[test]
fn lists_of_1_7_mean_what_they_meant() {
    let node = start(&[]);
    let state_dir = tempfile::tempdir().unwrap();
    let port = node.statsd.local_addr().unwrap().port().to_string();
    let old = crate::node::parameters(&[
        ("dest_host", "127.0.0.1"),
        ("dest_port", &port),
        ("annotation_mode", "key_prefix"),
        ("state_path_dir", state_dir.path().to_str().unwrap()),
    ]);
    let core = stats_slave::Core::start(&old).unwrap();
    task(core.register(&container("c.1")).unwrap())
        .send(b"a.b:1|c")
        .unwrap();
    assert_eq!(node.statsd_lines(1), ["f.e-c_1.c_1.a.b:1|c"]);
    let accounting = core.shutdown().unwrap();
    assert!(accounting.collector_output.is_none());
    assert_eq!(accounting.lines_generated, 0);
}

#[test]
fn a_block_is_ordered_by_container_and_not_by_arrival() {
    // metrics.md 1.19; two datapoints close the block.
    let node = start(&[
        ("self_metrics_enabled", "false"),
        ("output_collector_chunk_size_datapoints", "2"),
        ("output_collector_chunk_timeout_seconds", "3600"),
    ]);
    let mut records = Records::of(accept(&node.collector));
    let first = task(node.core.register(&container("a")).unwrap());
    let second = task(node.core.register(&container("b")).unwrap());
    second.send(b"sent-first:1|c").unwrap();
    wait(&node.core, "the first line", |now| now.lines_received == 1);
    first.send(b"sent-second:1|c").unwrap();
    let lists = records.datapoints(2);
    let names: Vec<_> = lists
        .iter()
        .map(|list| list.datapoints[0].name.as_str())
        .collect();
    assert_eq!(names, ["sent-second", "sent-first"]);
    node.stop();
}
