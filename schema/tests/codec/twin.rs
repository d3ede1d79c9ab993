//! The naive twin of the encoder: groups owned records, then writes them by the book.

use super::properties::Line;
use super::*;
use std::collections::BTreeMap;

pub(super) fn long(value: i64) -> Vec<u8> {
    let value = i128::from(value);
    let mut rest = if value < 0 { -2 * value - 1 } else { 2 * value };
    let mut out = Vec::new();
    while rest >= 128 {
        out.push(u8::try_from(rest % 128 + 128).unwrap());
        rest /= 128;
    }
    out.push(u8::try_from(rest).unwrap());
    out
}

fn text(text: &str) -> Vec<u8> {
    [long(i64::try_from(text.len()).unwrap()), text.into()].concat()
}

fn array(items: &[Vec<u8>]) -> Vec<u8> {
    if items.is_empty() {
        return vec![0];
    }
    [long(i64::try_from(items.len()).unwrap()), items.concat(), vec![0]].concat()
}

fn datapoint(layout: Layout, point: &Datapoint) -> Vec<u8> {
    let mut out = [
        text(&point.name),
        long(point.time_ms),
        point.value.to_le_bytes().into(),
    ]
    .concat();
    if layout == Layout::Typed {
        let index = MetricType::ALL
            .iter()
            .position(|known| *known == point.metric_type)
            .unwrap();
        out.extend(long(i64::try_from(index).unwrap()));
        out.extend(point.sample_rate.to_le_bytes());
        match &point.text {
            None => out.extend(long(0)),
            Some(member) => out.extend([long(1), text(member)].concat()),
        }
    }
    out
}

fn record(layout: Layout, list: &MetricList) -> Vec<u8> {
    let tags: Vec<_> = list
        .tags
        .iter()
        .map(|tag| [text(&tag.key), text(&tag.value)].concat())
        .collect();
    let datapoints: Vec<_> = list
        .datapoints
        .iter()
        .map(|point| datapoint(layout, point))
        .collect();
    [text(&list.topic), array(&tags), array(&datapoints)].concat()
}

/// The records of a block: for every container the list without custom tags, then the others.
pub(super) fn group(containers: &[(String, Vec<Tag>)], lines: &[Line]) -> Vec<MetricList> {
    let mut grouped: BTreeMap<usize, Vec<MetricList>> = BTreeMap::new();
    for line in lines {
        let at = line.container % containers.len();
        let (topic, identity) = containers[at].clone();
        let lists = grouped.entry(at).or_insert_with(|| {
            vec![MetricList {
                topic: topic.clone(),
                tags: identity.clone(),
                datapoints: vec![],
            }]
        });
        if line.tags.is_empty() {
            lists[0].datapoints.push(line.datapoint.clone());
        } else {
            let tags = [identity, line.tags.clone()].concat();
            lists.push(MetricList {
                topic,
                tags,
                datapoints: vec![line.datapoint.clone()],
            });
        }
    }
    grouped
        .into_values()
        .flatten()
        .filter(|list| !list.datapoints.is_empty())
        .collect()
}

pub(super) fn block(layout: Layout, lists: &[MetricList]) -> Vec<u8> {
    if lists.is_empty() {
        return vec![];
    }
    let records: Vec<u8> = lists.iter().flat_map(|list| record(layout, list)).collect();
    let count = long(i64::try_from(lists.len()).unwrap());
    let size = long(i64::try_from(records.len()).unwrap());
    [count, size, records, stats_schema::SYNC_MARKER.to_vec()].concat()
}
