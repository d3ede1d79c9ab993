//! What collectors write.

use stats_schema::{DatapointRef, Layout, MetricType, SYNC_MARKER, TagRef, put_long, put_record};

/// The identity every list has.
pub(crate) const TAGS: [(&str, &str); 4] = [
    ("framework_id", "f.1"),
    ("executor_id", "e 1"),
    ("container_id", "c1"),
    ("framework_name", "marathon"),
];

/// 2026-01-01T00:00:00Z in milliseconds.
pub(crate) const TIME_MS: i64 = 1_767_225_600_000;

/// A datapoint of this name, 100 ms after the one before it.
pub(crate) fn gauge(name: &str, number: u32) -> DatapointRef<'_> {
    DatapointRef {
        name,
        time_ms: TIME_MS + i64::from(number) * 100,
        value: f64::from(number),
        metric_type: MetricType::Gauge,
        sample_rate: 1.0,
        text: None,
    }
}

/// A message with one list.
pub(crate) fn message(tags: &[(&str, &str)], datapoints: &[DatapointRef<'_>]) -> Vec<u8> {
    let mut record = Vec::new();
    let tags = tags.iter().map(|&(key, value)| TagRef { key, value });
    let tags: Vec<_> = tags.collect();
    put_record(
        &mut record,
        Layout::Typed,
        "f.1",
        tags.into_iter(),
        datapoints.iter().copied(),
    );
    let mut message = Layout::Typed.header().to_vec();
    put_long(&mut message, 1);
    put_long(&mut message, i64::try_from(record.len()).unwrap());
    message.extend_from_slice(&record);
    message.extend_from_slice(&SYNC_MARKER);
    message
}

/// `count` messages of `each` datapoints named `n`, numbered through from `first`.
pub(crate) fn numbered(first: u32, count: u32, each: u32) -> Vec<Vec<u8>> {
    let numbers = (0..count).map(|index| first + index * each);
    numbers
        .map(|first| {
            let datapoints: Vec<_> = (first..first + each).map(|number| gauge("n", number)).collect();
            message(&TAGS, &datapoints)
        })
        .collect()
}
