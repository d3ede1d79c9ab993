//! A collector in this process, and what to send it.

use clap::Parser;
use serde_json::Value;
use stats_collector::Collector;
use stats_collector::sinks::kafka::{Kafka, KafkaOptions};
use stats_collector::sources::Limits;
use stats_schema::{Block, Datapoint, Layout, MetricList, MetricType, Tag};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    kafka: KafkaOptions,
}

/// A collector whose only sink is Kafka.
pub(crate) struct Node {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Value>,
}

impl Node {
    pub(crate) fn start(brokers: &str, arguments: &[String]) -> Self {
        let brokers = format!("--kafka-brokers={brokers}");
        Self::with([brokers].iter().chain(arguments))
    }

    pub(crate) fn with<'a>(arguments: impl Iterator<Item = &'a String>) -> Self {
        let ours = ["x", "--kafka", "--kafka-flush-ms=100"].map(str::to_owned);
        let command = Command::parse_from(ours.into_iter().chain(arguments.cloned()));
        let settings = command.kafka.settings(std::iter::empty()).unwrap().unwrap();
        let sink = Kafka::new(settings).unwrap();
        let (stop, stopped) = oneshot::channel();
        let (sender, address) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let any = ["127.0.0.1:0".parse().unwrap()];
                let limits = Limits {
                    block_bytes: 8 << 20,
                    ..Limits::default()
                };
                let mut collector = Collector::bind(&any, limits).await.unwrap();
                collector.add_sink(sink, 16 << 20).unwrap();
                sender.send(collector.address().unwrap()).unwrap();
                let (balance, result) = collector.run(async { drop(stopped.await) }).await;
                result.unwrap();
                serde_json::to_value(&balance).unwrap()
            })
        });
        Self {
            address: address.recv().unwrap(),
            stop,
            thread,
        }
    }

    /// Sends the lists on a connection of their own, in one block.
    pub(crate) fn send(&self, lists: &[MetricList]) {
        let mut block = Block::new(Layout::Typed);
        lists.iter().for_each(|list| block.push(list));
        let mut file = Vec::new();
        block.write_file(&mut file);
        TcpStream::connect(self.address)
            .unwrap()
            .write_all(&file)
            .unwrap();
    }

    /// Ends the collector when it has read everything; returns its balance.
    pub(crate) fn end(self) -> Value {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

/// Lists of one datapoint each, which has the number of the list as its value, beginning with `first`.
pub(crate) fn lists(topic: &str, first: usize, count: usize) -> Vec<MetricList> {
    (first..first + count)
        .map(|number| MetricList {
            topic: topic.to_owned(),
            tags: vec![Tag {
                key: "container_id".to_owned(),
                value: "c1".to_owned(),
            }],
            datapoints: vec![Datapoint {
                name: format!("some.metric.{number}"),
                time_ms: 1_472_688_000_123,
                value: number as f64,
                metric_type: MetricType::Set,
                sample_rate: 0.5,
                text: Some(format!("member {number}")),
            }],
        })
        .collect()
}

/// What readers of the schema of 2016 see of these lists.
pub(crate) fn without_types(mut lists: Vec<MetricList>) -> Vec<MetricList> {
    for datapoint in lists.iter_mut().flat_map(|list| &mut list.datapoints) {
        datapoint.metric_type = MetricType::Unknown;
        datapoint.sample_rate = 1.0;
        datapoint.text = None;
    }
    lists
}
