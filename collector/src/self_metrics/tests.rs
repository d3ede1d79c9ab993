use super::*;
use crate::Batch;
use crate::datagrams::receiver::Receiver;
use crate::sinks::{Queue, kafka};
use clap::Parser;
use stats_schema::RecordRef;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

fn options(socket: Option<&Receiver>) -> SelfMetricsOptions {
    SelfMetricsOptions {
        host: socket.map_or(String::new(), |_| "127.0.0.1".to_owned()),
        port: socket.map_or(0, |socket| socket.address().port()),
        period_seconds: 86400,
    }
}

/// Receives datagrams until there are `count` lines.
fn gauges(server: &Receiver, count: usize) -> BTreeMap<String, u64> {
    let mut gauges = BTreeMap::new();
    while gauges.len() < count {
        let datagram = server.next();
        assert!(datagram.len() <= 512, "{datagram}");
        for line in datagram.split('\n') {
            let (name, value) = line.strip_suffix("|g").unwrap().split_once(':').unwrap();
            let name = name.strip_prefix("dcos.metrics.collector.").unwrap();
            assert_eq!(
                gauges.insert(name.to_owned(), value.parse().unwrap()),
                None,
                "{name}"
            );
        }
    }
    assert_eq!(gauges.len(), count);
    gauges
}

#[test]
fn every_count_has_a_name_of_its_own() {
    let counts = Counts {
        queues: vec![
            Arc::new(Queue::new("kafka", 1 << 20)),
            Arc::new(Queue::new("stdout", 0)),
        ],
        kafka: Some(Arc::<kafka::Counters>::default()),
        ..Counts::default()
    };
    let (input, queues) = (&counts.input, &counts.queues);
    input.connections_opened.add(1);
    input.connections_refused.add(2);
    input.failed_invalid.add(3);
    input.bytes.add(4);
    input.records.add(5);
    input.records_without_topic.add(6);
    input.datapoints.add(7);
    input.throttled.add(11, 12);
    counts.agent.queries.add(13);
    let of_kafka = counts.kafka.as_ref().unwrap();
    of_kafka.sessions_opened.add(14);
    of_kafka.bytes_throttled.add(15);
    let kafka = queues[0].output();
    kafka.written.add(8, 9);
    kafka.bytes_written.add(10);
    for (index, reason) in Reason::ALL.into_iter().enumerate() {
        kafka.dropped(reason).add(100, 20 + index as u64);
    }
    let mut batch = Batch::default();
    batch.push(&RecordRef {
        topic: "t",
        tags: &[],
        datapoints: &[],
    });
    queues[1].push(Arc::new(batch));

    let samples = samples(&counts);
    let of: BTreeMap<&str, u64> = samples.iter().map(|(name, sum)| (name.as_str(), *sum)).collect();
    assert_eq!(of.len(), samples.len());
    for (name, sum) in [
        ("tcp_input.tcp_accept_failures", 0),
        ("tcp_input.tcp_sessions_opened", 1),
        ("tcp_input.tcp_sessions_refused", 2),
        ("tcp_input.avro_reader_open_failures", 3),
        ("tcp_input.bytes", 4),
        ("tcp_input.records", 5),
        ("topic_sorter.records", 5),
        ("topic_sorter.records_bad_topic", 6),
        ("tcp_input.datapoints", 7),
        ("tcp_input.records_throttled", 11),
        ("agent_poll.queries", 13),
        ("agent_poll.query_failures", 0),
        ("kafka_output.sessions_opened", 14),
        ("kafka_output.framework_lookup_failures", 0),
        ("topic_sorter.bytes_throttled", 15),
        ("kafka_output.avro_records_sent", 8),
        ("kafka_output.bytes_sent", 10),
        ("sinks.kafka.records", 8),
        ("sinks.kafka.datapoints", 9),
        ("sinks.kafka.bytes", 10),
        ("sinks.kafka.dropped.queue_full", 20),
        ("sinks.kafka.dropped.write_failed", 21),
        ("sinks.kafka.dropped.no_number", 26),
        ("sinks.stdout.records", 0),
        ("sinks.stdout.dropped.queue_full", 0),
    ] {
        assert_eq!(of.get(name), Some(&sum), "{name}");
    }
}

#[test]
fn what_was_counted_since_the_last_time_in_small_datagrams() {
    let server = Receiver::new();
    let port = server.address().port();
    let mut report = Report {
        endpoint: String::new(),
        destination: Destination::new("127.0.0.1", port).unwrap(),
        sent: HashMap::new(),
        failure: None,
    };
    let samples = |sum: u64| -> Vec<_> {
        (0..40)
            .map(|index| (format!("group.a_name_of_some_length_{index}"), sum * index))
            .collect()
    };
    for (sum, growth) in [(5, 5), (5, 0), (8, 3)] {
        report.send(samples(sum));
        let gauges = gauges(&server, 40);
        assert_eq!(gauges["group.a_name_of_some_length_7"], growth * 7);
        assert_eq!(gauges["group.a_name_of_some_length_39"], growth * 39);
    }
}

#[test]
fn sends_every_period_and_when_it_ends() {
    let server = Receiver::new();
    let sum = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sum);
    let short = SelfMetricsOptions {
        period_seconds: 1,
        ..options(Some(&server))
    };
    let read = move || vec![("n".to_owned(), counted.fetch_add(3, Relaxed) + 3)];
    let running = SelfMetrics::start(&short, read.clone()).unwrap().unwrap();
    assert_eq!(gauges(&server, 1)["n"], 3);
    drop(running);
    assert_eq!(gauges(&server, 1)["n"], 3);

    // No period is over, so this is what it sends at its end.
    drop(SelfMetrics::start(&options(Some(&server)), move || vec![("m".to_owned(), 9)]).unwrap());
    assert_eq!(gauges(&server, 1)["m"], 9);
}

#[test]
fn no_endpoint_no_metrics() {
    let server = Receiver::new();
    let complete = options(Some(&server));
    for options in [
        options(None),
        SelfMetricsOptions {
            port: 0,
            ..complete.clone()
        },
        SelfMetricsOptions {
            host: String::new(),
            ..complete
        },
    ] {
        let started = SelfMetrics::start(&options, || panic!("nobody asks")).unwrap();
        assert!(started.is_none(), "{options:?}");
    }
}

#[test]
fn old_names_of_flags_and_variables() {
    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        options: SelfMetricsOptions,
    }
    let command = crate::flags::with_environment(<Program as clap::CommandFactory>::command(), |name| {
        [("STATSD_UDP_HOST", "h"), ("STATSD_UDP_PORT", "31000")]
            .into_iter()
            .find_map(|(key, value)| (key == name).then(|| value.to_owned()))
    })
    .unwrap();
    let matches = command
        .try_get_matches_from(["program", "--statsd-period=9"])
        .unwrap();
    let options = <Program as clap::FromArgMatches>::from_arg_matches(&matches)
        .unwrap()
        .options;
    let expected = SelfMetricsOptions {
        host: "h".to_owned(),
        port: 31000,
        period_seconds: 9,
    };
    assert_eq!(options, expected);
}
