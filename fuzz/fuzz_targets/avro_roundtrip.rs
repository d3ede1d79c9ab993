//! Any records through `Block`, and any datapoints through `Part` and `write_block`, come back from
//! `StreamDecoder` as they were.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stats_schema::{
    Block, CustomTags, Datapoint, Identity, Layout, Limits, MetricList, MetricType, Part, StreamDecoder, Tag,
    write_block,
};

type Tags = Vec<(String, String)>;
type Point = (String, i64, f64, u8, f64, Option<String>);

fuzz_target!(|lists: Vec<(String, Tags, Vec<Point>)>| {
    let lists: Vec<MetricList> = lists
        .into_iter()
        .map(|(topic, tags, points)| MetricList {
            topic,
            tags: tags.into_iter().map(|(key, value)| Tag { key, value }).collect(),
            datapoints: points.into_iter().map(datapoint).collect(),
        })
        .filter(|list| *list != MetricList::default())
        .collect();
    for layout in [Layout::Old, Layout::Typed] {
        let expected: Vec<_> = lists.iter().map(|list| carried(layout, list)).collect();
        let mut block = Block::new(layout);
        lists.iter().for_each(|list| block.push(list));
        let mut file = Vec::new();
        block.write_file(&mut file);
        // As text because NaN is not equal to itself.
        assert_eq!(format!("{:?}", read(&file)), format!("{expected:?}"));

        let mut stream = layout.header().to_vec();
        for list in &expected {
            write_parts(&mut stream, layout, list);
        }
        let expected: Vec<_> = expected.iter().flat_map(one_record_a_datapoint).collect();
        assert_eq!(format!("{:?}", read(&stream)), format!("{expected:?}"));
    }
});

fn datapoint((name, time_ms, value, metric_type, sample_rate, text): Point) -> Datapoint {
    let metric_type = MetricType::ALL[usize::from(metric_type) % MetricType::ALL.len()];
    Datapoint {
        name,
        time_ms,
        value,
        metric_type,
        sample_rate,
        text,
    }
}

/// What is left of a list in a layout.
fn carried(layout: Layout, list: &MetricList) -> MetricList {
    let mut list = list.clone();
    if layout == Layout::Old {
        for datapoint in &mut list.datapoints {
            datapoint.metric_type = MetricType::Unknown;
            datapoint.sample_rate = 1.0;
            datapoint.text = None;
        }
    }
    list
}

/// A block for a container whose only tag is the list's first; the others come with every datapoint.
fn write_parts(out: &mut Vec<u8>, layout: Layout, list: &MetricList) {
    let (first, others) = split(&list.tags);
    let first: Vec<_> = first.iter().map(|tag| (&tag.key[..], &tag.value[..])).collect();
    let identity = Identity::new(&list.topic, &first);
    let mut tags = CustomTags::default();
    others.iter().for_each(|tag| tags.push(&tag.key, &tag.value));
    let mut part = Part::default();
    list.datapoints
        .iter()
        .for_each(|point| part.push(layout, &identity, &tags, &point.into()));
    write_block(out, [(&identity, &part)].into_iter());
}

fn one_record_a_datapoint(list: &MetricList) -> Vec<MetricList> {
    let record = |datapoints: &[Datapoint]| MetricList {
        datapoints: datapoints.into(),
        ..list.clone()
    };
    match split(&list.tags).1 {
        _ if list.datapoints.is_empty() => vec![],
        [] => vec![record(&list.datapoints)],
        _ => list
            .datapoints
            .iter()
            .map(|point| record(std::slice::from_ref(point)))
            .collect(),
    }
}

fn split(tags: &[Tag]) -> (&[Tag], &[Tag]) {
    tags.split_at(tags.len().min(1))
}

fn read(stream: &[u8]) -> Vec<MetricList> {
    let mut decoder = StreamDecoder::new(Limits::default());
    let mut lists = Vec::new();
    decoder
        .feed(stream, |record| lists.push(record.to_owned()))
        .expect("a stream of ours");
    decoder.finish().expect("a complete stream");
    lists
}
