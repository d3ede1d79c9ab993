//! Against a naive twin, and at the limits.

use super::*;
use proptest::prelude::*;
use stats_schema::{DatapointRef, MetricType, TagRef};
use std::collections::{BTreeMap, BTreeSet};

fn store(series: usize, bytes: usize) -> (Store, Instant) {
    let now = Instant::now();
    let limits = Limits {
        series,
        bytes,
        expiry: Duration::from_secs(10),
    };
    (Store::new(limits, now), now)
}

fn record(store: &Store, now: Instant, tags: &[(&str, &str)], datapoints: &[(&str, f64)]) -> Recorded {
    let tags: Vec<_> = tags.iter().map(|(key, value)| TagRef { key, value }).collect();
    let datapoints: Vec<_> = datapoints
        .iter()
        .map(|(name, value)| DatapointRef {
            name,
            time_ms: 7,
            value: *value,
            metric_type: MetricType::Gauge,
            sample_rate: 1.0,
            text: None,
        })
        .collect();
    let mut recorded = Recorded::default();
    store.record(now, |record| {
        recorded = record(&RecordRef {
            topic: "t",
            tags: &tags,
            datapoints: &datapoints,
        });
    });
    recorded
}

/// All series as a naive twin has them: container, name, own tags.
type Twin = BTreeMap<(String, String, Vec<(String, String)>), u64>;

fn shown(store: &Store, now: Instant) -> Twin {
    let mut twin = Twin::new();
    for (origin, shown) in store.all(now) {
        for datapoint in shown.datapoints {
            let mut tags: Vec<_> = (datapoint.tags.tags.iter())
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect();
            tags.sort_unstable();
            let id = origin.container_id().unwrap_or_default().to_owned();
            let before = twin.insert((id, datapoint.name.to_string(), tags), datapoint.value.to_bits());
            assert_eq!(before, None, "a series is there twice");
        }
    }
    twin
}

proptest! {
    #[test]
    fn the_newest_value_of_every_series(
        records in prop::collection::vec(
            ("[ab]?", prop::collection::vec(("[xy]|task_id|container_id", "[12]?"), 0..4),
             prop::collection::vec(("[mn]", any::<f64>()), 0..4), 0_u64..4),
            0..40,
        )
    ) {
        let (store, began) = store(1000, 1 << 20);
        let mut twin = BTreeMap::new();
        let mut now = began;
        for (id, own, datapoints, pause) in &records {
            now += Duration::from_secs(*pause);
            let tags: Vec<_> = [("container_id", id.as_str())].into_iter()
                .chain(own.iter().map(|(key, value)| (key.as_str(), value.as_str()))).collect();
            let points: Vec<_> = datapoints.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            let recorded = record(&store, now, &tags, &points);
            prop_assert_eq!(recorded, Recorded { taken: points.len() as u64, refused: 0 });
            let mut own: Vec<_> = own.iter().filter(|(key, _)| key.len() == 1).cloned().collect();
            own.sort_unstable();
            for (name, value) in datapoints {
                twin.insert((id.clone(), name.clone(), own.clone()), (value.to_bits(), now));
            }
            if pause % 2 == 1 {
                store.sample(now);
            }
        }
        let expected: Twin = twin.into_iter()
            .filter(|(_, (_, seen))| now - *seen <= Duration::from_secs(10))
            .map(|(key, (value, _))| (key, value))
            .collect();
        prop_assert_eq!(shown(&store, now), expected);
        // All room is given back in the end.
        now += Duration::from_secs(100);
        store.sample(now);
        prop_assert_eq!(store.size(), (0, 0));
    }
}

#[test]
fn identity_is_what_came_last_and_no_key() {
    let (store, now) = store(10, 1 << 20);
    record(
        &store,
        now,
        &[("container_id", "c"), ("task_name", "old")],
        &[("n", 1.0)],
    );
    record(
        &store,
        now,
        // The first of a kind counts, an empty one never.
        &[
            ("container_id", "c"),
            ("task_name", "new"),
            ("task_name", "fake"),
            ("task_id", ""),
            ("task_id", "fake"),
        ],
        &[("n", 2.0)],
    );
    let shown = store.container("c", Kind::App, "", now).unwrap();
    assert_eq!(shown.datapoints.len(), 1);
    assert_eq!(shown.dimension(Dimension::TaskName), Some("new"));
    assert_eq!(shown.dimension(Dimension::TaskId), None);
}

#[test]
fn limits_refuse_what_is_new_and_keep_what_is_known() {
    let taken = |taken, refused| Recorded { taken, refused };
    let (series, now) = store(2, 1 << 20);
    let c = [("container_id", "c")];
    assert_eq!(
        record(
            &series,
            now,
            &c,
            &[("a", 1.0), ("b", 1.0), ("c", 1.0), ("a", 2.0)]
        ),
        taken(3, 1)
    );
    assert_eq!(
        record(&series, now, &[("container_id", "d")], &[("a", 1.0)]),
        taken(0, 1)
    );
    // When others have expired, there is room again.
    let later = now + Duration::from_secs(11);
    series.sample(later);
    assert_eq!(record(&series, later, &c, &[("d", 1.0), ("e", 1.0)]), taken(2, 0));

    let (bytes, now) = store(1000, 4096);
    let long = "n".repeat(4096);
    assert_eq!(record(&bytes, now, &c, &[(&long, 1.0), ("a", 1.0)]), taken(1, 1));
    assert_eq!(
        record(&bytes, now, &[("container_id", "c"), ("t", &long)], &[("a", 1.0)]),
        taken(0, 1)
    );
    assert_eq!(
        record(&bytes, now, &[("container_id", &long)], &[("a", 1.0)]),
        taken(0, 1)
    );
    record(&bytes, now, &[("container_id", "c"), ("task_name", &long)], &[]);
    assert!(bytes.size().1 <= 4096);

    let (containers, now) = store(10_000, 100 << 20);
    let sent: Vec<_> = (0..MAX_CONTAINERS + 5)
        .map(|id| {
            record(
                &containers,
                now,
                &[("container_id", &id.to_string())],
                &[("a", 1.0)],
            )
            .taken
        })
        .collect();
    assert_eq!(sent.iter().sum::<u64>(), MAX_CONTAINERS as u64);
    containers.sample(now + Duration::from_secs(1));
    let rates = containers.rates();
    assert_eq!(rates.others, [5.0]);
    let different: BTreeSet<_> = rates.sources.iter().map(|source| source.origin.clone()).collect();
    assert_eq!(different.len(), MAX_CONTAINERS);
}

#[test]
fn rates_are_per_second_and_the_busiest_come_first() {
    let (store, mut now) = store(10, 1 << 20);
    for values in [[1, 4], [6, 0]] {
        for (id, count) in ["a", "b"].iter().zip(values) {
            let datapoints = vec![("n", 1.0); count];
            record(&store, now, &[("container_id", id)], &datapoints);
        }
        now += Duration::from_secs(2);
        store.sample(now);
    }
    let rates: Vec<_> = store
        .rates()
        .sources
        .into_iter()
        .map(|source| source.history)
        .collect();
    assert_eq!(rates, [[0.5, 3.0], [2.0, 0.0]]);
}
