//! The whole sink with the client's own mock of a cluster, which gives the errors that a real one cannot be made to give.

use super::*;
use crate::Batch;
use clap::{CommandFactory, Parser};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use stats_schema::{DatapointRef, MetricType, RecordRef};
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    kafka: KafkaOptions,
}

pub(super) fn command() -> clap::Command {
    Command::command()
}

/// Settings from a command line and an environment.
pub(super) fn settings_in(
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<Option<Settings>, String> {
    let arguments = std::iter::once("x").chain(arguments.iter().copied());
    let options = Command::try_parse_from(arguments).map_err(|error| error.to_string())?;
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    options.kafka.settings(environment)
}

pub(super) fn settings(arguments: &[&str]) -> Result<Option<Settings>, String> {
    settings_in(arguments, &[])
}

type Cluster = MockCluster<'static, DefaultProducerContext>;

/// A sink, and what became of what it was given.
struct Sending {
    sink: Kafka,
    output: Output,
}

impl Sending {
    fn to(cluster: &Cluster, arguments: &[&str]) -> Self {
        let brokers = format!("--kafka-brokers={}", cluster.bootstrap_servers());
        let arguments = [&[brokers.as_str(), "--kafka-flush-ms=50"], arguments].concat();
        let settings = settings(&arguments).unwrap().unwrap();
        Self {
            sink: Kafka::new(settings).unwrap(),
            output: Output::default(),
        }
    }

    /// Gives it `records` records of two datapoints each.
    fn push(&mut self, topic: &str, records: usize) {
        let datapoints = ["a", "b"].map(|name| DatapointRef {
            name,
            time_ms: 1,
            value: 1.0,
            metric_type: MetricType::Gauge,
            sample_rate: 1.0,
            text: None,
        });
        let mut batch = Batch::default();
        for _ in 0..records {
            batch.push(&RecordRef {
                topic,
                tags: &[],
                datapoints: &datapoints,
            });
        }
        self.output
            .received
            .add(batch.records() as u64, batch.datapoints() as u64);
        self.sink.write(&batch, &self.output).unwrap();
    }

    /// Goes on until `done`.
    fn until(&mut self, done: impl Fn(&Output) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !done(&self.output) {
            assert!(Instant::now() < deadline, "{:?}", self.output);
            let due = self.sink.tick(&self.output).unwrap();
            std::thread::sleep(due.min(Duration::from_millis(5)));
        }
    }

    fn until_all_is_known(&mut self) {
        self.until(|output| output.datapoints_waiting() == 0);
    }

    fn dropped(&self, reason: Reason) -> (u64, u64) {
        self.output.dropped(reason).get()
    }
}

#[test]
fn what_only_the_client_finds_wrong_is_found_at_the_start() {
    for brokers in ["--kafka-brokers=127.0.0.1:1", "--kafka-framework=kafka"] {
        for (argument, part) in [
            ("--kafka-property=acks=1", "acks"),
            ("--kafka-property=ssl.ca.location=/no/such.pem", "ssl.ca.location"),
        ] {
            let arguments = [brokers, argument, "--kafka-security-protocol=ssl"];
            let error = Kafka::new(settings(&arguments).unwrap().unwrap()).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}

const EACH: &str = "--kafka-produce-count=1";

#[test]
fn what_kafka_took_is_written() {
    let cluster = MockCluster::new(3).unwrap();
    let mut sending = Sending::to(&cluster, &["--kafka-produce-count=10"]);
    sending.push("t", 40);
    sending.until_all_is_known();
    assert_eq!(sending.output.written.get(), (40, 80));
    let counters = sending.sink.counters();
    assert_eq!(counters.messages_sent.get(), 4);
    assert_eq!(counters.bytes.get(), sending.output.bytes_written.get());
    sending.until(|output| output.problem().is_none());
    assert_eq!(sending.sink.counters().sessions_opened.get(), 1);
}

#[test]
fn errors_that_pass_cost_nothing() {
    use RDKafkaRespErr::*;
    for error in [
        RD_KAFKA_RESP_ERR__TRANSPORT,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        RD_KAFKA_RESP_ERR_UNKNOWN,
    ] {
        let cluster = MockCluster::new(1).unwrap();
        let mut sending = Sending::to(&cluster, &[EACH]);
        cluster.request_errors(RDKafkaApiKey::Produce, &[error; 3]);
        sending.push("t", 5);
        sending.until_all_is_known();
        assert_eq!(sending.output.written.get(), (5, 10), "{error:?}");
    }
}

#[test]
fn errors_that_stay_are_counted_and_the_rest_goes_on() {
    use RDKafkaRespErr::*;
    for (error, reason) in [
        (RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, Reason::TooLarge),
        (RD_KAFKA_RESP_ERR_INVALID_RECORD, Reason::Refused),
        (RD_KAFKA_RESP_ERR_POLICY_VIOLATION, Reason::Refused),
    ] {
        let cluster = MockCluster::new(1).unwrap();
        let mut sending = Sending::to(&cluster, &[EACH]);
        cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
        sending.push("t", 1);
        sending.until_all_is_known();
        assert_eq!(sending.dropped(reason), (1, 2), "{error:?}");
        sending.push("t", 3);
        sending.until_all_is_known();
        assert_eq!(sending.output.written.get(), (3, 6), "{error:?}");
    }
}

#[test]
fn a_topic_that_is_refused_does_not_stop_the_others() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("metrics-bad", 1, 1).unwrap();
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.topic_error("metrics-bad", error).unwrap();
    let mut sending = Sending::to(&cluster, &[EACH]);
    sending.push("bad", 2);
    sending.push("good", 2);
    sending.until_all_is_known();
    assert_eq!(sending.output.written.get(), (2, 4));
    assert_eq!(sending.dropped(Reason::Refused), (2, 4));
}

#[test]
fn an_error_of_idempotence_costs_the_client_and_no_message() {
    use RDKafkaRespErr::*;
    for error in [
        RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
        RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
        RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
    ] {
        let cluster = MockCluster::new(1).unwrap();
        let mut sending = Sending::to(&cluster, &[EACH]);
        sending.push("t", 1);
        sending.until_all_is_known();
        cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
        sending.push("t", 4);
        sending.until_all_is_known();
        assert_eq!(sending.output.written.get(), (5, 10), "{error:?}");
    }
}

#[test]
fn brokers_away_and_back() {
    let cluster = MockCluster::new(1).unwrap();
    let mut sending = Sending::to(&cluster, &[EACH]);
    cluster.broker_down(1).unwrap();
    sending.push("t", 3);
    sending.until(|output| output.problem().is_some());
    let problem = sending.output.problem().unwrap();
    let brokers = cluster.bootstrap_servers();
    for part in ["no Kafka broker", &brokers, "KB wait"] {
        assert!(problem.contains(part), "{problem}");
    }
    assert_eq!(sending.output.datapoints_waiting(), 6);
    cluster.broker_up(1).unwrap();
    sending.until_all_is_known();
    assert_eq!(sending.output.written.get(), (3, 6));
    sending.until(|output| output.problem().is_none());
}

#[test]
fn at_the_end_everything_is_sent_or_counted() {
    let cluster = MockCluster::new(1).unwrap();
    let mut sending = Sending::to(&cluster, &[]);
    sending.push("t", 3);
    sending
        .sink
        .end(&sending.output, Instant::now() + Duration::from_secs(60));
    assert_eq!(sending.output.written.get(), (3, 6));

    let mut sending = Sending::to(&cluster, &[EACH]);
    cluster.broker_down(1).unwrap();
    sending.push("t", 3);
    sending
        .sink
        .end(&sending.output, Instant::now() + Duration::from_millis(100));
    assert_eq!(sending.dropped(Reason::Shutdown), (3, 6));
}

#[test]
fn what_there_is_no_room_for_is_counted() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.broker_down(1).unwrap();
    let arguments = [
        EACH,
        "--kafka-queue-kbytes=200",
        "--kafka-max-message-bytes=16384",
    ];
    let mut sending = Sending::to(&cluster, &arguments);
    // The queue fills before the client takes its share.
    sending.push("t", 1000);
    let (dropped, _) = sending.dropped(Reason::QueueFull);
    assert!((700..900).contains(&dropped), "{dropped}");
    cluster.broker_up(1).unwrap();
    sending.until_all_is_known();
    assert_eq!(sending.output.written.records.get() + dropped, 1000);
}

#[test]
fn over_the_limit() {
    let cluster = MockCluster::new(1).unwrap();
    let arguments = [
        EACH,
        "--global-limit-amount-kbytes=10",
        "--global-limit-period=86400",
    ];
    let mut sending = Sending::to(&cluster, &arguments);
    sending.push("t", 100);
    sending.until_all_is_known();
    let (written, _) = sending.output.written.get();
    let bytes = sending.output.bytes_written.get();
    assert!((10 * 1024..12 * 1024).contains(&bytes), "{bytes}");
    assert_eq!(sending.dropped(Reason::Throttled).0, 100 - written);
    let counters = sending.sink.counters();
    assert_eq!(counters.records_throttled.get(), 100 - written);
    assert_eq!(counters.bytes.get(), bytes);
    assert!(counters.bytes_throttled.get() > 0);
}

#[test]
fn a_framework_is_asked_until_it_answers_and_again_when_its_brokers_are_lost() {
    let (first, second) = (MockCluster::new(1).unwrap(), MockCluster::new(1).unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let brokers = [first.bootstrap_servers(), second.bootstrap_servers()];
    let discover: Discover = Arc::new({
        let asked = Arc::clone(&asked);
        move || match asked.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Err("no such framework".to_owned()),
            2 => Ok(vec![brokers[0].clone()]),
            _ => Ok(vec![brokers[1].clone()]),
        }
    });
    let settings = settings(&["--kafka", "--kafka-flush-ms=50", EACH])
        .unwrap()
        .unwrap();
    let mut sending = Sending {
        sink: Kafka::with_discovery(settings, Some(discover)).unwrap(),
        output: Output::default(),
    };
    sending.push("t", 3);
    sending.until(|output| {
        output
            .problem()
            .is_some_and(|problem| problem.contains("framework"))
    });
    sending.until_all_is_known();
    assert_eq!(sending.output.written.get(), (3, 6));
    assert_eq!(sending.sink.counters().framework_lookup_failures.get(), 2);

    first.broker_down(1).unwrap();
    sending.push("t", 4);
    sending.until_all_is_known();
    assert_eq!(sending.output.written.get(), (7, 14));
    assert!(asked.load(Ordering::SeqCst) >= 4);
}
