//! Any bytes as a datagram for the collector output: every line has a fate, datapoints are finite, and a decoder reads from the
//! block what was written to it. The first byte chooses the layout and the rules.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stats_schema::{
    CustomTags, Datapoint, Identity, Layout, Limits, MetricList, MetricType, Part, StreamDecoder, Tag,
    write_block,
};
use stats_slave::statsd::lines::lines;
use stats_slave::statsd::metric::{Rules, datapoints};

const NOW_MS: i64 = 1_472_688_000_123;
const IDENTITY: [(&str, &str); 3] = [("framework_id", "f"), ("executor_id", "e"), ("container_id", "c")];

fuzz_target!(|input: &[u8]| {
    let [form, datagram @ ..] = input else { return };
    let layout = if form & 1 == 0 { Layout::Typed } else { Layout::Old };
    let rules = Rules {
        sample_rate_all_types: form & 2 != 0,
        first_value_only: layout == Layout::Old,
    };
    check(datagram, layout, rules);
});

fn check(datagram: &[u8], layout: Layout, rules: Rules) {
    let identity = Identity::new("f", &IDENTITY);
    let mut tags = CustomTags::default();
    let mut part = Part::default();
    let mut untagged = list(Vec::new());
    let mut tagged = Vec::new();
    for line in lines(datagram).filter(|line| !line.is_event() && !line.is_service_check()) {
        let text = String::from_utf8_lossy(line.bytes);
        let own = own_tags(&text);
        let mut count = 0;
        let values = datapoints(&text, NOW_MS, rules, &mut tags, |tags, point| {
            count += 1;
            assert!(point.value.is_finite() && point.sample_rate.is_finite() && point.sample_rate > 0.0);
            assert!(point.time_ms >= 0);
            assert_eq!(point.text.is_some(), point.metric_type == MetricType::Set);
            assert_eq!(tags.len(), own.len());
            part.push(layout, &identity, tags, point);
            let point = carried(layout, point.to_owned());
            if own.is_empty() {
                untagged.datapoints.push(point);
            } else {
                tagged.push(MetricList {
                    datapoints: vec![point],
                    ..list(own.clone())
                });
            }
        });
        assert_eq!(values.datapoints, count);
        assert!(values.corrupt <= count);
        let fates = values.datapoints + values.non_finite + values.not_first;
        assert!(fates >= 1 && fates <= 1 + text.matches(':').count() as u64);
        assert!(!rules.first_value_only || values.datapoints <= 1);
    }
    let mut expected = tagged;
    if !untagged.datapoints.is_empty() {
        expected.insert(0, untagged);
    }
    let mut stream = layout.header().to_vec();
    write_block(&mut stream, [(&identity, &part)].into_iter());
    assert_eq!(read(&stream), expected);
}

/// The tags of a line, found in the plainest way (`reference/metrics.md` 1.18 rule 3).
fn own_tags(line: &str) -> Vec<Tag> {
    line.split('|')
        .skip(1)
        .filter_map(|section| section.strip_prefix('#'))
        .flat_map(|tags| tags.split(','))
        .map(|tag| tag.split_once(':').unwrap_or((tag, "")))
        .filter(|tag| *tag != ("", ""))
        .map(|(key, value)| Tag {
            key: key.to_owned(),
            value: value.to_owned(),
        })
        .collect()
}

fn list(own: Vec<Tag>) -> MetricList {
    let identity = IDENTITY.map(|(key, value)| Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    });
    MetricList {
        topic: "f".to_owned(),
        tags: identity.into_iter().chain(own).collect(),
        datapoints: Vec::new(),
    }
}

/// What is left of a datapoint in a layout.
fn carried(layout: Layout, point: Datapoint) -> Datapoint {
    match layout {
        Layout::Typed => point,
        Layout::Old => Datapoint {
            metric_type: MetricType::Unknown,
            sample_rate: 1.0,
            text: None,
            ..point
        },
    }
}

fn read(stream: &[u8]) -> Vec<MetricList> {
    let limits = Limits {
        record_tags: usize::MAX,
        record_datapoints: usize::MAX,
        ..Limits::default()
    };
    let mut decoder = StreamDecoder::new(limits);
    let mut lists = Vec::new();
    decoder
        .feed(stream, |record| lists.push(record.to_owned()))
        .expect("a stream of ours");
    decoder.finish().expect("a complete stream");
    lists
}
