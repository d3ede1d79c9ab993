//! What the host measured of a container goes the way of what the container sends.

use crate::node::{Records, accept, container, free_ports, start, task};
use stats_schema::{Datapoint, MetricList, MetricType};

const TIME_MS: i64 = 1_472_688_000_123;

fn gauges() -> Vec<(String, f64)> {
    vec![
        ("usage.cpus_limit".to_owned(), 0.1),
        ("usage.mem_total_bytes".to_owned(), 1_234_567_890_123.0),
    ]
}

fn points(list: &MetricList) -> Vec<(&str, f64, i64, MetricType)> {
    let point = |point: &Datapoint| (point.value, point.time_ms, point.metric_type);
    list.datapoints
        .iter()
        .map(|each| {
            let (value, time_ms, metric_type) = point(each);
            (each.name.as_str(), value, time_ms, metric_type)
        })
        .collect()
}

#[test]
fn usage_is_in_the_record_of_the_containers_own_metrics() {
    let node = start(&[("self_metrics_enabled", "false")]);
    let mut records = Records::of(accept(&node.collector));
    let container = container("c");
    let endpoint = node.core.register(&container).unwrap();
    task(endpoint).send(b"own:1|c").unwrap();
    let line = node.statsd_lines(1).remove(0);
    node.core.usage(&container, TIME_MS, gauges());

    let tags = line.strip_prefix("own:1|c").unwrap();
    assert_eq!(
        node.statsd_lines(2),
        [
            format!("usage.cpus_limit:0.1|g{tags}"),
            format!("usage.mem_total_bytes:1.23457e+12|g{tags}"),
        ]
    );
    let lists = records.datapoints(3);
    let (own, measured): (Vec<_>, Vec<_>) = lists
        .iter()
        .flat_map(points)
        .partition(|(name, ..)| *name == "own");
    assert_eq!(own.len(), 1);
    assert_eq!(
        measured,
        [
            ("usage.cpus_limit", 0.1, TIME_MS, MetricType::Gauge),
            (
                "usage.mem_total_bytes",
                1_234_567_890_123.0,
                TIME_MS,
                MetricType::Gauge
            ),
        ]
    );
    for list in &lists {
        assert_eq!((list.topic.as_str(), list.tags.len()), ("f", 3), "{list:?}");
    }
    node.stop();
}

#[test]
fn usage_is_told_apart_where_a_socket_is_shared_or_missing() {
    let port = free_ports(1).to_string();
    let node = start(&[
        ("self_metrics_enabled", "false"),
        ("listen_port_mode", "single"),
        ("listen_port", &port),
    ]);
    node.core.register(&container("a")).unwrap();
    node.core.register(&container("b")).unwrap();
    for id in ["a", "b", "without endpoint"] {
        node.core
            .usage(&container(id), TIME_MS, vec![("usage.threads".to_owned(), 2.0)]);
        assert_eq!(
            node.statsd_lines(1),
            [format!(
                "usage.threads:2|g|#framework_id:f,executor_id:e-{id},container_id:{id}"
            )]
        );
    }
    node.stop();
}
