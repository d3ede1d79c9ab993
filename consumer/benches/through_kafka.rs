//! How many datapoints a second go through a real Kafka on this machine: over TCP into the collector, from there as messages
//! to the broker, and out of it again through `dcos-stats-consumer print`, whose output is discarded, all at the same time.
//! The baseline is a bare producer and a bare consumer of the same client, which move the same messages through the same
//! broker. This is wall-clock time, so other work on the machine counts.
//!
//! `cargo bench -p dcos-stats-consumer --bench through_kafka [-- MILLIONS [RUNS]]`

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]
#![allow(clippy::cast_precision_loss, reason = "rates for people")]

use clap::Parser;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use stats_collector::Collector;
use stats_collector::sinks::kafka::{Kafka, KafkaOptions};
use stats_collector::sources;
use stats_kafka::local::{Broker, new_topic};
use stats_schema::{
    CustomTags, DatapointRef, Identity, Layout, Limits, MetricType, Part, StreamDecoder, write_block,
};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Datapoints in a block, as a busy module sends them.
const BLOCK_DATAPOINTS: usize = 100;

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    kafka: KafkaOptions,
}

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let datapoints = numbers.next().unwrap_or(4) * 1_000_000;
    let runs = numbers.next().unwrap_or(3);
    let Some(broker) = Broker::launch() else { return };

    // What is slow once, Java's compiler and the topic, is not measured.
    through_collector(&broker, &new_topic(), 100_000);
    let rate = |seconds: f64| datapoints as f64 / seconds / 1e6;
    println!(
        "{datapoints} datapoints, M/s {:>16} {:>16} {:>8}",
        "bare client", "whole path", "ratio"
    );
    let mut best = [f64::INFINITY; 2];
    for run in 1..=runs {
        let topic = new_topic();
        let whole = through_collector(&broker, &topic, datapoints);
        let messages = read_all(&broker, &topic, datapoints);
        let bare = bare(&broker, &messages);
        let bytes: usize = messages.iter().map(Vec::len).sum();
        println!(
            "run {run}: {:>4} messages, {:>4} MB {:>13.2} {:>16.2} {:>8.2}",
            messages.len(),
            bytes / 1_000_000,
            rate(bare),
            rate(whole),
            whole / bare
        );
        best = [best[0].min(bare), best[1].min(whole)];
    }
    let [bare, whole] = best;
    println!(
        "best {:>38.2} {:>16.2} {:>8.2}",
        rate(bare),
        rate(whole),
        whole / bare
    );
}

/// Seconds from the first byte sent to the last datapoint printed.
fn through_collector(broker: &Broker, topic: &str, datapoints: usize) -> f64 {
    let options = Options::parse_from([
        "x",
        &format!("--kafka-brokers={}", broker.address()),
        &format!("--kafka-single-topic={topic}"),
        "--kafka-produce-period-ms=200",
        // Nothing is to be dropped, else it would be cheaper.
        "--kafka-queue-kbytes=4194303",
    ]);
    let settings = options.kafka.settings(std::iter::empty()).unwrap().unwrap();
    let sink = Kafka::new(settings).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (sender, address) = mpsc::channel();
    let collector = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let any = ["127.0.0.1:0".parse().unwrap()];
            let mut collector = Collector::bind(&any, sources::Limits::default()).await.unwrap();
            collector.add_sink(sink, usize::MAX).unwrap();
            sender.send(collector.address().unwrap()).unwrap();
            let (balance, result) = collector.run(async { drop(stopped.await) }).await;
            result.unwrap();
            assert!(balance.balanced());
        });
    });
    create(broker, topic);
    let address = address.recv().unwrap();
    let mut consumer = Command::new(env!("CARGO_BIN_EXE_dcos-stats-consumer"))
        .args(["print", "--stats-print-period-ms=50", "--kafka-topics", topic])
        .env("KAFKA_OVERRIDE_BOOTSTRAP_SERVERS", broker.address())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(consumer.stderr.take().unwrap()).lines();
    // Joining the group takes seconds, but once only. A list tells when that is over.
    send(address, BLOCK_DATAPOINTS);
    wait_for(&mut log, BLOCK_DATAPOINTS);
    let started = Instant::now();
    let sending = thread::spawn(move || send(address, datapoints));
    wait_for(&mut log, BLOCK_DATAPOINTS + datapoints);
    let seconds = started.elapsed().as_secs_f64();
    sending.join().unwrap();
    stop.send(()).unwrap();
    collector.join().unwrap();
    // It must not block on its log while it ends.
    let rest = thread::spawn(move || log.for_each(drop));
    Command::new("kill")
        .arg(consumer.id().to_string())
        .status()
        .unwrap();
    assert!(consumer.wait().unwrap().success());
    rest.join().unwrap();
    seconds
}

/// Waits until the consumer says in its log that it has printed so many datapoints.
fn wait_for(log: &mut impl Iterator<Item = std::io::Result<String>>, datapoints: usize) {
    let expected = format!("delivered={datapoints} ");
    let said = |line: &String| line.contains("STATS TOTAL") && line.contains(&expected);
    assert!(
        log.map(Result::unwrap).any(|line| said(&line)),
        "the consumer has ended"
    );
}

/// The messages of a topic.
fn read_all(broker: &Broker, topic: &str, datapoints: usize) -> Vec<Vec<u8>> {
    let consumer = consumer(broker, topic);
    let (mut decoded, mut messages) = (0, Vec::new());
    while decoded < BLOCK_DATAPOINTS + datapoints {
        let message = next(&consumer);
        let mut decoder = StreamDecoder::new(Limits::default());
        decoder
            .feed(&message, |record| decoded += record.datapoints.len())
            .unwrap();
        messages.push(message);
    }
    messages
}

/// Seconds that the client alone takes for the messages.
fn bare(broker: &Broker, messages: &[Vec<u8>]) -> f64 {
    let topic = new_topic();
    create(broker, &topic);
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .set("enable.idempotence", "true")
        .set("compression.type", "snappy")
        .create()
        .unwrap();
    let consumer = consumer(broker, &topic);
    let started = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            for message in messages {
                let mut record = BaseRecord::<(), _>::to(&topic).payload(message);
                while let Err((error, back)) = producer.send(record) {
                    assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
                    record = back;
                    producer.poll(Duration::from_millis(1));
                }
            }
            producer.flush(Duration::from_secs(60)).unwrap();
        });
        for _ in messages {
            next(&consumer);
        }
    });
    started.elapsed().as_secs_f64()
}

fn consumer(broker: &Broker, topic: &str) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .set("group.id", "bench")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let mut partitions = TopicPartitionList::new();
    partitions
        .add_partition_offset(topic, 0, Offset::Beginning)
        .unwrap();
    consumer.assign(&partitions).unwrap();
    consumer
}

/// Makes the broker create the topic.
fn create(broker: &Broker, topic: &str) {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .set("allow.auto.create.topics", "true")
        .create()
        .unwrap();
    client
        .fetch_metadata(Some(topic), Duration::from_secs(60))
        .unwrap();
}

fn next(consumer: &BaseConsumer) -> Vec<u8> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < deadline, "a message was expected");
        if let Some(Ok(message)) = consumer.poll(Duration::from_secs(1)) {
            return message.payload().unwrap().to_vec();
        }
    }
}

/// Blocks as the module of 2016 makes them, again and again.
fn send(address: SocketAddr, datapoints: usize) {
    let identity = Identity::new(
        "5d5e9cd1-d2b4-4b6a-8c9e-d2c1c1e4c3a1-0001",
        &[
            ("framework_id", "5d5e9cd1-d2b4-4b6a-8c9e-d2c1c1e4c3a1-0001"),
            ("executor_id", "web_shop.2d6f5c1e-7b1a-11e6-9a8e-70b3d5800001"),
            ("container_id", "9b1d3e1c-2f43-4c52-a1b1-0e2d7c3f4a5b"),
        ],
    );
    let mut part = Part::default();
    for number in 0..BLOCK_DATAPOINTS {
        let datapoint = DatapointRef {
            name: &format!("shop.requests.duration.{number}"),
            time_ms: 1_472_688_000_123,
            value: 12.5,
            metric_type: MetricType::Unknown,
            sample_rate: 1.0,
            text: None,
        };
        part.push(Layout::Old, &identity, &CustomTags::default(), &datapoint);
    }
    let mut block = Vec::new();
    write_block(&mut block, [(&identity, &part)].into_iter());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(Layout::Old.header()).unwrap();
    let at_once = 16;
    let chunk = block.repeat(at_once);
    let blocks = datapoints / BLOCK_DATAPOINTS;
    for _ in 0..blocks / at_once {
        stream.write_all(&chunk).unwrap();
    }
    stream.write_all(&block.repeat(blocks % at_once)).unwrap();
}
