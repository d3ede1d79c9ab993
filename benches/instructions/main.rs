//! Instructions of the module's hot functions: a line tagged and put into a chunk, a line made Avro; and of the codec.
//!
//! `make instructions`, or `cargo bench -p dcos-stats --bench instructions`

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

mod gate;

// Not public, and compiled into this program as it is.
#[allow(dead_code, unused_imports, reason = "its tests")]
#[path = "../../src/output/statsd/chunk.rs"]
mod chunk;
use stats_slave::{parameters, statsd};

use chunk::Chunk;
use gate::Case;
use parameters::{Annotation, TagOrder};
use stats_schema::{
    CustomTags, DatapointRef, Identity, Layout, Limits, MetricType, Part, StreamDecoder, write_block,
};
use stats_slave::container::{Container, ContainerId};
use statsd::lines::lines;
use statsd::metric::{Rules, datapoints};
use statsd::tag::{Owner, Tagger};
use std::hint::black_box;
use std::process::ExitCode;

/// Lines in the datagram, every other one with tags of its own.
const LINES: usize = 28;
/// Datapoints in a block.
const DATAPOINTS: usize = 100;
const NOW_MS: i64 = 1_472_688_000_123;
const FRAMEWORK: &str = "5d5e9cd1-d2b4-4b6a-8c9e-d2c1c1e4c3a1-0001";
const EXECUTOR: &str = "web_shop.2d6f5c1e-7b1a-11e6-9a8e-70b3d5800001";
const CONTAINER: &str = "9b1d3e1c-2f43-4c52-a1b1-0e2d7c3f4a5b";

fn main() -> ExitCode {
    let cases = [
        Case {
            name: "line-tagged-and-chunked",
            items: LINES,
            run: tag,
        },
        Case {
            name: "line-to-typed-avro",
            items: LINES,
            run: |rounds| to_avro(Layout::Typed, rounds),
        },
        Case {
            name: "line-to-old-avro",
            items: LINES,
            run: |rounds| to_avro(Layout::Old, rounds),
        },
        Case {
            name: "datapoint-decoded-from-typed-block",
            items: DATAPOINTS,
            run: |rounds| decode(Layout::Typed, rounds),
        },
        Case {
            name: "datapoint-decoded-from-old-block",
            items: DATAPOINTS,
            run: |rounds| decode(Layout::Old, rounds),
        },
    ];
    gate::main(
        &cases,
        concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions/expected.txt"),
    )
}

fn datagram() -> Vec<u8> {
    let lines: Vec<String> = (0..LINES)
        .map(|number| match number % 2 {
            0 => format!("shop.requests.handled.{number}:{number}|c|@0.5"),
            _ => format!("shop.requests.duration.{number}:12.5|ms|#path:/v1/things,status:200"),
        })
        .collect();
    lines.join("\n").into_bytes()
}

fn identity() -> Identity {
    let tags = [
        ("framework_id", FRAMEWORK),
        ("executor_id", EXECUTOR),
        ("container_id", CONTAINER),
    ];
    Identity::new(FRAMEWORK, &tags)
}

fn tag(rounds: u64) {
    let tagger = Tagger {
        annotation: Annotation::TagDatadog,
        order: TagOrder::FrameworkFirst,
    };
    let container = Container {
        id: ContainerId::new(CONTAINER),
        executor_id: EXECUTOR.into(),
        framework_id: FRAMEWORK.into(),
    };
    let rendered = tagger.render(Owner::Container(&container));
    let datagram = datagram();
    let mut chunk = Chunk::new(Some(1432));
    for _ in 0..rounds {
        for line in lines(black_box(&datagram)) {
            chunk
                .add(&tagger.tag(line, &rendered), |full| {
                    black_box((full.bytes, full.lines));
                })
                .unwrap();
        }
    }
}

fn to_avro(layout: Layout, rounds: u64) {
    let (identity, datagram) = (identity(), datagram());
    let (mut tags, mut part, mut block) = (CustomTags::default(), Part::default(), Vec::new());
    for _ in 0..rounds {
        for line in lines(black_box(&datagram)) {
            let text = std::str::from_utf8(line.bytes).unwrap();
            datapoints(text, NOW_MS, Rules::default(), &mut tags, |tags, datapoint| {
                part.push(layout, &identity, tags, datapoint);
            });
        }
        block.clear();
        write_block(&mut block, [(&identity, &part)].into_iter());
        part.clear();
        black_box(&block);
    }
}

fn decode(layout: Layout, rounds: u64) {
    let (identity, mut part, mut block) = (identity(), Part::default(), Vec::new());
    for number in 0..DATAPOINTS {
        let datapoint = DatapointRef {
            name: &format!("shop.requests.duration.{number}"),
            time_ms: NOW_MS,
            value: 12.5,
            metric_type: MetricType::Timer,
            sample_rate: 1.0,
            text: None,
        };
        part.push(layout, &identity, &CustomTags::default(), &datapoint);
    }
    write_block(&mut block, [(&identity, &part)].into_iter());
    let mut decoder = StreamDecoder::new(Limits::default());
    decoder.feed(layout.header(), |_| {}).unwrap();
    let mut decoded = 0;
    for _ in 0..rounds {
        decoder
            .feed(black_box(&block), |record| {
                decoded += record.datapoints.len() as u64;
            })
            .unwrap();
    }
    assert_eq!(decoded, rounds * DATAPOINTS as u64);
}
