//! What a registry shows of what it recorded.

mod page;
mod promtool;
mod properties;
mod semantics;

use page::Page;
use stats_collector::sinks::prometheus::{Format, Limits, Recorded, Registry};
use stats_schema::{DatapointRef, MetricType, RecordRef, TagRef};
use std::time::{Duration, Instant};

/// Enough for every test that is not about limits.
const LIMITS: Limits = Limits {
    series: 10_000,
    bytes: 16 << 20,
    expiry: Duration::from_secs(300),
};

/// A registry, and the time as it knows it.
struct Clocked {
    registry: Registry,
    now: Instant,
}

impl Clocked {
    fn new(limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            registry: Registry::new(limits, now),
            now,
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Records datapoints with the same tags.
    fn record(&self, tags: &[(&str, &str)], datapoints: &[DatapointRef<'_>]) -> Recorded {
        let tags: Vec<_> = tags.iter().map(|&(key, value)| TagRef { key, value }).collect();
        self.registry.record(
            &RecordRef {
                topic: "f1",
                tags: &tags,
                datapoints,
            },
            self.now,
        )
    }

    /// Records one datapoint, which has to be taken.
    fn take(&self, tags: &[(&str, &str)], name: &str, metric_type: MetricType, value: f64) {
        let recorded = self.record(tags, &[datapoint(name, metric_type, value)]);
        assert_eq!(recorded.taken, 1, "{name} {value}: {recorded:?}");
    }

    fn text(&self, format: Format) -> String {
        let mut page = String::new();
        self.registry.render(format, self.now, &mut page);
        page
    }

    fn page(&self, format: Format) -> Page {
        let text = self.text(format);
        Page::read(&text, format).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

fn datapoint(name: &str, metric_type: MetricType, value: f64) -> DatapointRef<'_> {
    DatapointRef {
        name,
        time_ms: 0,
        value,
        metric_type,
        sample_rate: 1.0,
        text: None,
    }
}

fn member<'a>(name: &'a str, text: &'a str) -> DatapointRef<'a> {
    DatapointRef {
        text: Some(text),
        ..datapoint(name, MetricType::Set, 0.0)
    }
}
