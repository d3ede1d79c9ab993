//! Any records, and plain twins.

use crate::page::Labels;
use crate::{Clocked, LIMITS, datapoint};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use stats_collector::sinks::prometheus::{Format, Limits, Recorded};
use stats_schema::{Datapoint, DatapointRef, MetricList, MetricType, RecordRef, Tag, TagRef};
use std::collections::BTreeMap;
use std::time::Duration;

/// Names that meet each other, and any others.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab](\\.|-|_)?(total|sum|count|created|increments|samples|bucket)?(_value|_members|_total)?",
        1 => any::<String>(),
    ]
}

fn tag() -> impl Strategy<Value = Tag> {
    let key = prop_oneof![
        4 => select(vec!["a", "b", "a.b", "a-b", "A", "le", "quantile", "__name__", "", "exported_le"])
            .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let value = prop_oneof![
        3 => "[xy\"\\\\\n]{0,3}",
        1 => any::<String>(),
    ];
    (key, value).prop_map(|(key, value)| Tag { key, value })
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -10.0..10.0f64,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::MAX),
        Just(0.0)
    ]
}

fn any_datapoint() -> impl Strategy<Value = Datapoint> {
    let text = proptest::option::of("[a-z]{0,2}");
    (name(), value(), select(&MetricType::ALL[..]), value(), text).prop_map(
        |(name, value, metric_type, sample_rate, text)| Datapoint {
            name,
            time_ms: 0,
            value,
            metric_type,
            sample_rate,
            text,
        },
    )
}

fn record() -> impl Strategy<Value = MetricList> {
    (vec(tag(), 0..4), vec(any_datapoint(), 0..6)).prop_map(|(tags, datapoints)| MetricList {
        topic: "t".into(),
        tags,
        datapoints,
    })
}

fn hand_over(clocked: &Clocked, list: &MetricList) -> Recorded {
    let tags: Vec<TagRef<'_>> = list.tags.iter().map(TagRef::from).collect();
    let datapoints: Vec<DatapointRef<'_>> = list.datapoints.iter().map(DatapointRef::from).collect();
    let record = RecordRef {
        topic: &list.topic,
        tags: &tags,
        datapoints: &datapoints,
    };
    clocked.registry.record(&record, clocked.now)
}

/// Which of so many samples, the smallest being 0, has this share of the others below it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a small number"
)]
fn rank(share: f64, samples: usize) -> usize {
    (share * (samples - 1) as f64) as usize
}

proptest! {
    #[test]
    fn any_page_can_be_read(
        steps in vec((record(), 0..70u64), 0..40),
        series in 1..40usize,
        kbytes in 8..200usize,
    ) {
        let limits = Limits { series, bytes: kbytes << 10, expiry: Duration::from_secs(100) };
        let mut clocked = Clocked::new(limits);
        for (list, seconds) in steps {
            let recorded = hand_over(&clocked, &list);
            prop_assert_eq!(recorded.taken + recorded.refused_total(), list.datapoints.len() as u64);
            prop_assert!(recorded.unsketched <= recorded.taken);
            prop_assert!(clocked.registry.series() <= series);
            prop_assert!(clocked.registry.bytes() <= limits.bytes / 4 * 3);
            clocked.pass(seconds);
            clocked.page(Format::Text);
            clocked.page(Format::OpenMetrics);
        }
        clocked.pass(101);
        prop_assert_eq!(clocked.text(Format::Text), "");
        prop_assert_eq!(clocked.registry.bytes(), 0);
    }

    #[test]
    fn counters_and_gauges_equal_a_twin(
        steps in vec((select(vec!["a", "b"]), vec((select(vec!["x", "y"]), 0..3u8), 0..3), 0..3u8, 0..100i32), 0..200),
    ) {
        let clocked = Clocked::new(LIMITS);
        let mut twin: BTreeMap<(String, Labels), f64> = BTreeMap::new();
        for (name, tags, kind, value) in steps {
            let values: Vec<String> = tags.iter().map(|(_, value)| value.to_string()).collect();
            let tags: Vec<(&str, &str)> = tags.iter().zip(&values).map(|((key, _), value)| (*key, value.as_str())).collect();
            let (metric_type, name, shown) = match kind {
                0 => (MetricType::Counter, format!("c.{name}"), format!("c_{name}_total")),
                1 => (MetricType::Gauge, format!("g.{name}"), format!("g_{name}")),
                _ => (MetricType::GaugeDelta, format!("g.{name}"), format!("g_{name}")),
            };
            clocked.take(&tags, &name, metric_type, f64::from(value));
            let mut labels = Labels::new();
            for (key, value) in tags {
                labels.entry(key.to_owned()).or_insert_with(|| value.to_owned());
            }
            let number = twin.entry((shown, labels)).or_default();
            *number = if metric_type == MetricType::Gauge { f64::from(value) } else { *number + f64::from(value) };
        }
        prop_assert_eq!(&clocked.page(Format::Text).samples, &twin);
        prop_assert_eq!(&clocked.page(Format::OpenMetrics).samples, &twin);
    }

    #[test]
    fn quantiles_are_within_a_percent(
        samples in vec((prop_oneof![1e-3..1e3f64, -100.0..100.0f64, Just(0.0)], select(vec![1u8, 2, 10])), 1..300),
    ) {
        let clocked = Clocked::new(LIMITS);
        let mut exact = Vec::new();
        for (value, weight) in samples {
            let recorded = clocked.record(&[], &[DatapointRef {
                sample_rate: 1.0 / f64::from(weight),
                ..datapoint("t", MetricType::Histogram, value)
            }]);
            prop_assert_eq!((recorded.taken, recorded.unsketched), (1, 0));
            exact.extend(std::iter::repeat_n(value, weight.into()));
        }
        exact.sort_by(f64::total_cmp);
        let page = clocked.page(Format::Text);
        for (text, share) in [("0.5", 0.5), ("0.9", 0.9), ("0.99", 0.99)] {
            let rank = rank(share, exact.len());
            let shown = page.get("t", &[("quantile", text)]).unwrap();
            let error = (shown - exact[rank]).abs();
            prop_assert!(error <= 0.01001 * exact[rank].abs() + 1e-9, "{text}: {shown} for {}", exact[rank]);
        }
        prop_assert_eq!(page.get("t_count", &[]), Some(exact.len() as f64));
        let sum: f64 = exact.iter().sum();
        let shown = page.get("t_sum", &[]).unwrap();
        prop_assert!((shown - sum).abs() <= 1e-6 * (1.0 + sum.abs()), "{shown} for {sum}");
    }
}

/// The error that the estimator promises is about 2 %.
#[test]
fn members_are_estimated() {
    for count in [0u32, 1, 10, 100, 1000, 20_000] {
        let clocked = Clocked::new(LIMITS);
        for number in 0..count {
            let text = format!("user-{number}");
            for _ in 0..2 {
                clocked.record(&[], &[crate::member("s", &text)]);
            }
        }
        let shown = clocked.page(Format::Text).get("s", &[]).unwrap_or(0.0);
        let error = (shown - f64::from(count)).abs();
        assert!(error <= 0.05 * f64::from(count), "{shown} for {count}");
    }
}
