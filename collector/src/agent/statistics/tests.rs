//! Metrics from real answers, from the cases of 2016, and from answers that are wrong at every level.

use super::*;
use crate::agent::LabelChoice;
use proptest::prelude::*;
use serde_json::{Value, json};
use stats_schema::MetricType;

const REST: &str = include_str!("../../../tests/agent/containers.json");
const V1: &str = include_str!("../../../tests/agent/v1-GET_CONTAINERS.json");
const STATE: &str = include_str!("../../../tests/agent/state.json");

fn state() -> AgentState {
    AgentState::parse(AgentApi::Rest, STATE, None, &LabelChoice::default())
        .unwrap()
        .0
}

fn rest(answer: &Value) -> Measured {
    containers(AgentApi::Rest, &answer.to_string(), None).unwrap()
}

/// An entry of which nothing is wrong, with these statistics and a time.
fn entry(mut statistics: Value) -> Value {
    statistics["timestamp"] = json!(1_469_152_846.168_84);
    json!([{"container_id": "c", "executor_id": "e", "executor_name": "n", "framework_id": "f", "source": "s",
        "statistics": statistics, "status": {"executor_pid": 15381}}])
}

fn tags(list: &MetricList) -> String {
    let pairs: Vec<_> = list
        .tags
        .iter()
        .map(|tag| format!("{}={}", tag.key, tag.value))
        .collect();
    pairs.join(" ")
}

/// `name=value`, without the beginning that all have.
fn values(list: &MetricList) -> Vec<String> {
    let value = |datapoint: &stats_schema::Datapoint| {
        let name = datapoint.name.strip_prefix("dcos.metrics.container.").unwrap();
        format!("{name}={}", datapoint.value)
    };
    list.datapoints.iter().map(value).collect()
}

#[test]
fn as_in_2016_and_what_is_nested_too() {
    // `reference/metrics-vectors.md` 19.5
    let measured = rest(&entry(json!({"cpus_limit": 1.1, "mem_rss_bytes": 5_505_024,
        "net_rx_bytes": 10, "net_rx_dropped": 11, "net_rx_errors": 12, "net_rx_packets": 13,
        "net_tx_bytes": 20, "net_tx_dropped": 21, "net_tx_errors": 22, "net_tx_packets": 23,
        "net_snmp_statistics": {"tcp_stats": {"InErrs": 0}}})));
    let [list] = measured.lists.as_slice() else {
        panic!("{:?}", measured.lists)
    };
    assert_eq!(list.topic, "f");
    assert_eq!(tags(list), "container_id=c executor_id=e framework_id=f");
    assert_eq!(
        values(list),
        [
            "cpus_limit=1.1",
            "mem_rss_bytes=5505024",
            // Each has its own value: a later system copied tx from rx (`reference/metrics.md` 8.1).
            "net_rx_bytes=10",
            "net_rx_dropped=11",
            "net_rx_errors=12",
            "net_rx_packets=13",
            "net_snmp_statistics.tcp_stats.InErrs=0",
            "net_tx_bytes=20",
            "net_tx_dropped=21",
            "net_tx_errors=22",
            "net_tx_packets=23",
        ]
    );
    assert!(list.datapoints.iter().all(|datapoint| {
        (datapoint.time_ms, datapoint.metric_type, datapoint.sample_rate)
            == (1_469_152_846_168, MetricType::Gauge, 1.0)
    }));
    assert_eq!(
        (measured.values, measured.unsupported, measured.skipped.count),
        (11, 0, 0)
    );
    assert_eq!(milliseconds(1_472_647_303.047_42), Some(1_472_647_303_047));
    assert!(rest(&json!([])).lists.is_empty());
}

#[test]
fn block_devices_and_volumes_have_lists_of_their_own() {
    let measured = rest(&entry(json!({
        "blkio_statistics": {
            "cfq": [{}, {"device": {"major_number": 8, "minor_number": 1}, "sectors": 7, "time": 9}],
            "throttling": [
                {"io_serviced": [{"op": "TOTAL", "value": 5}]},
                {"device": {"major_number": 8, "minor_number": 1},
                    "io_serviced": [{"op": "READ", "value": 3}, {"op": "WRITE", "value": 2}]},
                {"device": {"major_number": 0, "minor_number": 0}, "io_service_bytes": [{"op": "TOTAL", "value": 4096}]},
            ],
        },
        "disk_statistics": [
            {"limit_bytes": 100, "used_bytes": 1},
            {"persistence": {"id": "data"}, "source": {"type": "MOUNT"}, "used_bytes": 2},
        ],
        "perf": {"timestamp": 1.0, "duration": 10.0, "cycles": 12},
        "net_traffic_control_statistics": [{"id": "bw_limit", "drops": 1}, {"drops": 2}],
    })));
    let lists: Vec<_> = measured
        .lists
        .iter()
        .map(|list| (tags(list), values(list)))
        .collect();
    let expected: [(&str, &[&str]); 5] = [
        (
            "",
            &[
                "net_traffic_control_statistics.bw_limit.drops=1",
                "net_traffic_control_statistics.1.drops=2",
                "perf.cycles=12",
                "perf.duration=10",
            ],
        ),
        (
            " blkio_device=8:1",
            &[
                "blkio.cfq.sectors=7",
                "blkio.cfq.time=9",
                "blkio.throttling.io_serviced.read=3",
                "blkio.throttling.io_serviced.write=2",
            ],
        ),
        (
            " blkio_device=total",
            &[
                "blkio.throttling.io_serviced.total=5",
                "blkio.throttling.io_service_bytes.total=4096",
            ],
        ),
        (
            " disk_volume=sandbox",
            &["disk.limit_bytes=100", "disk.used_bytes=1"],
        ),
        (" disk_volume=data", &["disk.used_bytes=2"]),
    ];
    assert_eq!(lists.len(), expected.len(), "{lists:?}");
    for ((tags, values), (more_tags, expected)) in lists.iter().zip(expected) {
        assert_eq!(
            *tags,
            format!("container_id=c executor_id=e framework_id=f{more_tags}")
        );
        assert_eq!(values, expected);
    }
    assert_eq!(measured.unsupported, 0);
    assert_eq!(measured.values, 13);
}

#[test]
fn all_containers_of_a_real_agent() {
    let measured = containers(AgentApi::Rest, REST, None).unwrap();
    let found: Vec<_> = measured
        .lists
        .iter()
        .map(|list| (list.tags.len(), list.datapoints.len()))
        .collect();
    // Of each the statistics, and the sum over its devices.
    assert_eq!(found, [(3, 18), (4, 2), (3, 18), (4, 2), (3, 18), (4, 2)]);
    assert_eq!(
        (measured.values, measured.unsupported, measured.skipped.count),
        (60, 0, 0)
    );
}

#[test]
fn nested_containers_have_the_owner_of_the_one_around_them() {
    let owner = "executor_id=default-executor framework_id=e4341f7e-de94-48df-b491-a97736b9448a-0003";
    let nested = [
        "b77ba8a1-f91b-4c2d-8164-04354e01f824",
        "c1cadcbf-ec04-4b8c-8cee-de716cf625e8",
    ];
    let outer = "56efe550-739f-4d9c-ac76-19c0a6229102";
    let state = state();
    let mut alone: Value = serde_json::from_str(V1).unwrap();
    let list = alone["get_containers"]["containers"].as_array_mut().unwrap();
    list.retain(|entry| entry["container_id"]["value"] != outer);
    let alone = alone.to_string();
    for (answer, state) in [(V1, None), (V1, Some(&state)), (&alone, Some(&state))] {
        let measured = containers(AgentApi::V1, answer, state).unwrap();
        assert_eq!(measured.skipped.count, 0);
        for id in nested {
            let expected = format!("container_id={id} {owner}");
            let list = measured
                .lists
                .iter()
                .find(|list| tags(list).contains(id))
                .unwrap();
            assert_eq!((tags(list), list.topic.as_str()), (expected, &owner[42..]));
            assert_eq!(
                values(list),
                [
                    "cpus_soft_limit=0.1",
                    "mem_limit_bytes=33554432",
                    "mem_soft_limit_bytes=33554432"
                ]
            );
        }
    }
    let measured = containers(AgentApi::V1, &alone, None).unwrap();
    let unknown: Vec<_> = measured
        .lists
        .iter()
        .filter(|list| list.topic == "unknown_container")
        .collect();
    let unknown: Vec<_> = unknown.into_iter().map(tags).collect();
    assert_eq!(unknown, nested.map(|id| format!("container_id={id}")));
}

#[test]
fn one_fault_costs_one_container() {
    for (path, value) in [
        ("/0", json!(3)),
        ("/0/container_id", json!(null)),
        ("/0/container_id", json!("")),
        ("/0/framework_id", json!(null)),
        ("/0/executor_id", json!([])),
        ("/0/statistics", json!(null)),
        ("/0/statistics", json!([])),
        ("/0/statistics", json!({"timestamp": 1.0})),
        ("/0/statistics/timestamp", json!("1")),
        ("/0/statistics/timestamp", json!(-1)),
        ("/0/statistics/timestamp", json!(1e300)),
        ("/0/statistics/timestamp", json!(null)),
    ] {
        let mut answer: Value = serde_json::from_str(REST).unwrap();
        *answer.pointer_mut(path).unwrap() = value.clone();
        let measured = rest(&answer);
        assert_eq!(
            (measured.lists.len(), measured.skipped.count),
            (4, 1),
            "{path} {value}"
        );
        assert!(measured.skipped.first.is_some());
    }
}

#[test]
fn one_value_that_is_no_number_costs_itself() {
    for (value, unsupported) in [
        (json!("1"), 1),
        (json!(true), 1),
        (json!(null), 1),
        (json!([]), 0),
        (json!({}), 0),
        (json!({"a": "x", "b": [null, {"c": {"id": "i"}}]}), 2),
        (json!([[[[[[[[[[1]]]]]]]]]]), 1),
    ] {
        let measured = rest(&entry(json!({"a": 1, "strange": value.clone()})));
        assert_eq!(values(&measured.lists[0])[0], "a=1");
        assert_eq!(
            (measured.values, measured.unsupported),
            (1, unsupported),
            "{value}"
        );
    }
    for (blkio, unsupported) in [
        (json!(3), 1),
        (json!({"cfq": 3}), 1),
        (json!({"cfq": [3]}), 1),
        (json!({"cfq": [{"io_merged": 3}]}), 0),
        (
            json!({"cfq": [{"io_merged": [3, {"op": 3, "value": 3}, {"op": "READ"}]}]}),
            3,
        ),
        (json!({"cfq": [{"io_merged": [{"op": "READ", "value": {}}]}]}), 1),
    ] {
        let measured = rest(&entry(json!({"a": 1, "blkio_statistics": blkio.clone()})));
        assert_eq!(measured.unsupported, unsupported, "{blkio}");
    }
    let huge = entry(json!({"a": 1, "b": 77})).to_string().replace("77", "1e400");
    let measured = containers(AgentApi::Rest, &huge, None).unwrap();
    assert_eq!((measured.values, measured.unsupported), (1, 1));
}

#[test]
fn too_many_values_are_cut_off() {
    let members: Vec<_> = (0..MAX_VALUES + 7)
        .map(|number| format!(r#""k{number}":1"#))
        .collect();
    let answer = entry(json!({"a": 1}))
        .to_string()
        .replace(r#""a":1"#, &members.join(","));
    let measured = containers(AgentApi::Rest, &answer, None).unwrap();
    assert_eq!((measured.values, measured.unsupported), (MAX_VALUES as u64, 7));
    let long = "x".repeat(300);
    let measured = rest(&entry(json!({"a": 1, long: 2})));
    assert_eq!((measured.values, measured.unsupported), (1, 1));
}

#[test]
fn answers_of_other_shapes_are_refused() {
    for answer in [
        "",
        "{}",
        "3",
        "null",
        "[",
        "[1",
        r#"[{"container_id":"c"}"#,
        "[] x",
    ] {
        assert!(containers(AgentApi::Rest, answer, None).is_err(), "{answer}");
    }
    for answer in [
        "",
        "[]",
        "{}",
        r#"{"get_containers":[]}"#,
        r#"{"get_containers":{"containers":{}}}"#,
    ] {
        assert!(containers(AgentApi::V1, answer, None).is_err(), "{answer}");
    }
    assert!(
        containers(AgentApi::V1, r#"{"get_containers":{}}"#, None)
            .unwrap()
            .lists
            .is_empty()
    );
}

proptest! {
    #[test]
    fn no_statistics_are_too_strange(text in r#"[\[\]{}:,"a-c0-9e. -]{0,60}"#, at in any::<prop::sample::Index>()) {
        // Somewhere in a real answer, whether that leaves it JSON or not.
        let mut answer = REST.to_owned();
        let at = at.index(answer.len());
        answer.replace_range(at..(at + text.len()).min(REST.len()), &text);
        for api in [AgentApi::Rest, AgentApi::V1] {
            if let Ok(measured) = containers(api, &answer, None) {
                let values: usize = measured.lists.iter().map(|list| list.datapoints.len()).sum();
                prop_assert_eq!(values as u64, measured.values);
                for list in &measured.lists {
                    prop_assert!(list.datapoints.iter().all(|datapoint| datapoint.value.is_finite()));
                    prop_assert!(!list.datapoints.is_empty() && !list.topic.is_empty());
                }
            }
        }
    }
}
