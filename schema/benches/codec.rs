//! Speed of the codec on one core, each figure beside a baseline of the same run: writing beside copying the
//! finished bytes and beside apache-avro, reading beside apache-avro.
//!
//! `cargo bench -p dcos-stats-schema`

use apache_avro::types::Value;
use apache_avro::{Reader, Schema, Writer};
use stats_schema::{
    CustomTags, DatapointRef, Identity, Layout, Limits, MetricType, Part, StreamDecoder, write_block,
};
use std::hint::black_box;
use std::time::Instant;

const CONTAINERS: usize = 100;
/// As many as there are lines in a datagram of 1432 bytes.
const LINES: usize = 28;
const ROUNDS: u32 = 100;

fn main() {
    for layout in [Layout::Old, Layout::Typed] {
        let (writing, stream) = writing(layout);
        let datapoints = CONTAINERS * LINES;
        let copying = per_item(datapoints, ROUNDS, {
            let mut out = Vec::new();
            let stream = stream.clone();
            move || {
                out.clear();
                // One datapoint's share at a time, which is the least that any encoder has to copy.
                stream
                    .chunks(stream.len() / (CONTAINERS * LINES))
                    .for_each(|bytes| out.extend_from_slice(bytes));
                black_box(&out);
            }
        });
        let values = per_item(datapoints, 3, {
            let schema = Schema::parse_str(layout.schema_json()).expect("our schema");
            let file = [layout.header(), &stream].concat();
            let records: Vec<Value> = Reader::new(&file[..])
                .expect("our file")
                .collect::<Result<_, _>>()
                .expect("our records");
            move || {
                let mut writer = Writer::new(&schema, Vec::new()).expect("a writer");
                for record in &records {
                    writer.append_value_ref(record).expect("a record");
                }
                black_box(writer.into_inner().expect("a file"));
            }
        });
        report(
            &format!("write {layout:?}"),
            "datapoints",
            writing,
            &[("copying", copying), ("apache-avro", values)],
        );
    }
    for layout in [Layout::Old, Layout::Typed] {
        let (file, records) = five_tags_one_datapoint(layout);
        let ours = per_item(records, ROUNDS, || {
            let mut decoder = StreamDecoder::new(Limits::default());
            let mut sum = 0.0;
            for read in file.chunks(64 << 10) {
                decoder
                    .feed(read, |record| sum += record.datapoints[0].value)
                    .expect("our stream");
            }
            assert_eq!(decoder.records(), records as u64);
            black_box(sum);
        });
        let values = per_item(records, 3, || {
            for record in Reader::new(&file[..]).expect("our file") {
                black_box(record.expect("our record"));
            }
        });
        report(
            &format!("read {layout:?}"),
            "records",
            ours,
            &[("apache-avro", values)],
        );
    }
}

fn report(what: &str, items: &str, ours: f64, others: &[(&str, f64)]) {
    print!("{what:12} {ours:6.1} ns, {:5.1} M {items}/s", 1e3 / ours);
    for (name, other) in others {
        print!("; {:.2} x {name} ({other:.1} ns)", ours / other);
    }
    println!();
}

/// Nanoseconds an item in the shortest of several runs: what disturbs a run only ever adds.
fn per_item(items: usize, rounds: u32, mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e9 / items as f64
}

/// One flush of every container's lines, half of which have two tags of their own; and the bytes it results in.
fn writing(layout: Layout) -> (f64, Vec<u8>) {
    let ids: Vec<String> = (0..CONTAINERS)
        .map(|n| format!("6bd6c4ad-2a3a-4f3b-9e12-{n:012}"))
        .collect();
    let identities: Vec<Identity> = ids.iter().map(|id| identity(id)).collect();
    let names: Vec<String> = (0..LINES).map(|n| format!("requests.handled.{n}")).collect();
    let mut parts = vec![Part::default(); CONTAINERS];
    let mut tags = CustomTags::default();
    let mut out = Vec::new();
    let took = per_item(CONTAINERS * LINES, ROUNDS, || {
        out.clear();
        for (part, identity) in parts.iter_mut().zip(&identities) {
            part.clear();
            for (line, name) in names.iter().enumerate() {
                tags.clear();
                if line % 2 == 1 {
                    tags.push("path", "/v1/things");
                    tags.push("status", "200");
                }
                part.push(layout, identity, &tags, &datapoint(name, line));
            }
        }
        write_block(&mut out, identities.iter().zip(&parts));
        black_box(&out);
    });
    (took, out)
}

fn five_tags_one_datapoint(layout: Layout) -> (Vec<u8>, usize) {
    let mut file = layout.header().to_vec();
    let identity = identity("6bd6c4ad-2a3a-4f3b-9e12-000000000000");
    let mut tags = CustomTags::default();
    tags.push("path", "/v1/things");
    tags.push("status", "200");
    let (blocks, records) = (20, 1000);
    for _ in 0..blocks {
        let mut part = Part::default();
        (0..records).for_each(|n| part.push(layout, &identity, &tags, &datapoint("requests.handled", n)));
        write_block(&mut file, [(&identity, &part)].into_iter());
    }
    (file, blocks * records)
}

fn identity(container: &str) -> Identity {
    let framework = "20d0b4b8-31d5-4c8f-8c55-a0f3fd3b3c43-0001";
    let tags = [
        ("framework_id", framework),
        ("executor_id", "web.1f2e3d4c"),
        ("container_id", container),
    ];
    Identity::new(framework, &tags)
}

fn datapoint(name: &str, line: usize) -> DatapointRef<'_> {
    let metric_type = if line.is_multiple_of(3) {
        MetricType::Timer
    } else {
        MetricType::Counter
    };
    let value = line as f64 * 1.5;
    DatapointRef {
        name,
        time_ms: 1_472_688_000_123,
        value,
        metric_type,
        sample_rate: 1.0,
        text: None,
    }
}
