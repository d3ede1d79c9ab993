//! Instructions of the collector's hot functions: a record into a batch and tagged, shown to a sink again, taken by the
//! Prometheus registry and the HTTP store, and encoded for Kafka.
//!
//! `make instructions`, or `cargo bench -p dcos-stats-collector --bench instructions`

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

#[path = "../../benches/instructions/gate.rs"]
mod gate;

// Not public, and compiled into this program as it is.
#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "its tests, and what others use"
)]
#[path = "../src/batch.rs"]
mod batch;

use batch::Batch;
use gate::Case;
use stats_collector::Sink;
use stats_collector::http::{Store, StoreSink, store};
use stats_collector::sinks::prometheus::{self, Registry};
use stats_collector::telemetry::Output;
use stats_schema::{
    Datapoint, DatapointRef, Layout, MetricList, MetricType, RecordRef, Tag, TagRef, put_record,
};
use std::convert::Infallible;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Datapoints of a container, each in a record of its own.
const RECORDS: usize = 100;

fn main() -> ExitCode {
    let case = |name, run| Case {
        name,
        items: RECORDS,
        run,
    };
    let cases = [
        case("record-pushed-and-tagged", push_and_tag),
        case("record-shown-to-a-sink", show),
        case("record-of-a-known-series-to-prometheus", prometheus),
        case("record-of-a-known-series-to-the-http-store", http_store),
        case("record-encoded-for-kafka", kafka),
    ];
    gate::main(
        &cases,
        concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt"),
    )
}

/// The module's tags and one of the datapoint's own.
fn own_tags() -> Vec<Tag> {
    tags(&[
        ("framework_id", "5d5e9cd1-d2b4-4b6a-8c9e-d2c1c1e4c3a1-0001"),
        ("executor_id", "web_shop.2d6f5c1e-7b1a-11e6-9a8e-70b3d5800001"),
        ("container_id", "9b1d3e1c-2f43-4c52-a1b1-0e2d7c3f4a5b"),
        ("path", "/checkout/cart"),
    ])
}

/// What the agent's state adds.
fn added_tags() -> Vec<Tag> {
    tags(&[
        ("framework_name", "marathon"),
        ("application_name", "shop/web"),
        ("agent_id", "5d5e9cd1-d2b4-4b6a-8c9e-d2c1c1e4c3a1-S4"),
        ("task_id", "web_shop.2d6f5c1e-7b1a-11e6-9a8e-70b3d5800001"),
        ("task_name", "web.shop"),
        ("hostname", "10.0.3.17"),
    ])
}

fn tags(pairs: &[(&str, &str)]) -> Vec<Tag> {
    let tag = |(key, value): &(&str, &str)| Tag {
        key: (*key).into(),
        value: (*value).into(),
    };
    pairs.iter().map(tag).collect()
}

fn lists(tags: &[Tag]) -> Vec<MetricList> {
    let list = |number| MetricList {
        topic: "5d5e9cd1-d2b4-4b6a-8c9e-d2c1c1e4c3a1-0001".into(),
        tags: tags.to_vec(),
        datapoints: vec![Datapoint {
            name: format!("shop.requests.duration.{number}"),
            time_ms: 1_472_688_000_123,
            value: 12.5,
            metric_type: MetricType::Counter,
            sample_rate: 1.0,
            text: None,
        }],
    };
    (0..RECORDS).map(list).collect()
}

/// Calls `each` with every record, so many times.
fn for_records(tags: &[Tag], rounds: u64, mut each: impl FnMut(&RecordRef<'_>)) {
    let lists = lists(tags);
    let parts: Vec<(Vec<TagRef<'_>>, Vec<DatapointRef<'_>>)> = lists
        .iter()
        .map(|list| {
            let tags = list.tags.iter().map(TagRef::from).collect();
            (tags, list.datapoints.iter().map(DatapointRef::from).collect())
        })
        .collect();
    for _ in 0..rounds {
        for (list, (tags, datapoints)) in lists.iter().zip(&parts) {
            each(&RecordRef {
                topic: &list.topic,
                tags,
                datapoints,
            });
        }
    }
}

fn push_and_tag(rounds: u64) {
    let added: Arc<[Tag]> = added_tags().into();
    let mut batch = Batch::default();
    for_records(&own_tags(), rounds, |record| {
        batch.push(black_box(record));
        if batch.records() == RECORDS {
            batch.tag(|_| Arc::clone(&added));
            black_box(&batch);
            batch = Batch::default();
        }
    });
}

fn show(rounds: u64) {
    let mut batch: Batch = lists(&own_tags()).into_iter().collect();
    let added: Arc<[Tag]> = added_tags().into();
    batch.tag(|_| Arc::clone(&added));
    for _ in 0..rounds {
        let Ok(()) = black_box(&batch).try_for_each(|record| {
            black_box(record);
            Ok::<(), Infallible>(())
        });
    }
}

fn prometheus(rounds: u64) {
    let limits = prometheus::Limits {
        series: RECORDS,
        bytes: 1 << 20,
        expiry: Duration::from_secs(300),
    };
    let now = Instant::now();
    let registry = Registry::new(limits, now);
    for_records(&[own_tags(), added_tags()].concat(), rounds, |record| {
        assert_eq!(registry.record(black_box(record), now).taken, 1);
    });
}

/// Showing the records is part of it.
fn http_store(rounds: u64) {
    let limits = store::Limits {
        series: RECORDS,
        bytes: 1 << 20,
        expiry: Duration::from_secs(120),
    };
    let mut sink = StoreSink::new(Arc::new(Store::new(limits, Instant::now())));
    let lists = lists(&[own_tags(), added_tags()].concat());
    let batch: stats_collector::Batch = lists.into_iter().collect();
    let output = Output::default();
    for _ in 0..rounds {
        sink.write(black_box(&batch), &output).unwrap();
    }
    assert_eq!(output.written.get().1, rounds * RECORDS as u64);
}

fn kafka(rounds: u64) {
    let mut file = Vec::new();
    for_records(&[own_tags(), added_tags()].concat(), rounds, |record| {
        let (tags, datapoints) = (record.tags.iter().copied(), record.datapoints.iter().copied());
        put_record(&mut file, Layout::Typed, record.topic, tags, datapoints);
        if file.len() > 512 << 10 {
            black_box(&file);
            file.clear();
        }
    });
}
