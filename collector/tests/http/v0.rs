//! The JSON of DC/OS 1.9 to 1.11 (`reference/metrics.md` 6.2).

use crate::client::{get, get_until, metrics, send};
use crate::running::Running;
use serde_json::{Value, json};

const TIME: &str = "2016-09-01T00:00:00.123Z";

const TASK: [(&str, &str); 8] = [
    ("framework_id", "f1"),
    ("executor_id", "e1"),
    ("container_id", "c1"),
    ("framework_name", "marathon"),
    ("agent_id", "S1"),
    ("task_id", "t.1"),
    ("task_name", "web"),
    ("hostname", "node"),
];

fn started() -> Running {
    let collector = Running::start(&[]);
    let own: Vec<_> = TASK
        .into_iter()
        .chain([("path", "/a b"), ("method", "GET")])
        .collect();
    let swapped: Vec<_> = TASK
        .into_iter()
        .chain([("method", "GET"), ("path", "/a b")])
        .collect();
    send(
        &collector,
        &[
            metrics(
                "agent",
                &[("agent_id", "S1"), ("hostname", "node")],
                &[("load.1min", 0.5), ("dcos.metrics.agent.x", 1.0)],
            ),
            metrics(
                "f1",
                &TASK[..3],
                &[("dcos.metrics.container.mem_rss_bytes", 4096.0)],
            ),
            metrics("f1", &own, &[("hits", 1.0)]),
            metrics(
                "f1",
                &TASK,
                &[("hits", 7.0), ("hits.slow", f64::NAN), ("temp", f64::INFINITY)],
            ),
            // The same series, in another order: the newer value counts.
            metrics("f1", &swapped, &[("hits", 2.0)]),
            metrics("f2", &[("container_id", "c1234")], &[("a/b", -1.5)]),
            metrics("unknown_container", &[], &[("stray", 1.0)]),
        ],
    );
    collector
}

fn dimensions() -> Value {
    json!({"mesos_id": "S1", "container_id": "c1", "executor_id": "e1", "framework_name": "marathon", "framework_id": "f1",
           "task_name": "web", "task_id": "t.1", "hostname": "node"})
}

fn point(name: &str, value: &Value, unit: &str) -> Value {
    json!({"name": name, "value": value, "unit": unit, "timestamp": TIME})
}

#[test]
fn answers() {
    let collector = started();
    let tagged = json!({"name": "hits", "value": 2.0, "unit": "", "timestamp": TIME,
                        "tags": {"path": "/a b", "method": "GET"}});
    let hits = [point("hits", &json!(7.0), ""), tagged];
    let slow = point("hits.slow", &json!("NaN"), "");
    for (path, expected) in [
        ("/v0/containers", json!(["c1", "c1234"])),
        (
            "/v0/node",
            json!({"datapoints": [point("dcos.metrics.agent.x", &json!(1.0), ""), point("load.1min", &json!(0.5), "count")],
                   "dimensions": {"mesos_id": "S1", "hostname": "node"}}),
        ),
        (
            "/v0/containers/c1",
            json!({"datapoints": [point("dcos.metrics.container.mem_rss_bytes", &json!(4096.0), "bytes")],
                   "dimensions": dimensions()}),
        ),
        (
            "/v0/containers/c1/app",
            json!({"datapoints": [hits[0], hits[1], slow, point("temp", &json!("NaN"), "")], "dimensions": dimensions()}),
        ),
        (
            "/v0/containers/c1/app/hits",
            json!({"datapoints": [hits[0], hits[1], slow], "dimensions": dimensions()}),
        ),
        (
            "/v0/containers/c1/app/hits.",
            json!({"datapoints": [slow], "dimensions": dimensions()}),
        ),
        (
            "/v0/containers/c1234/app/a%2Fb",
            json!({"datapoints": [point("a/b", &json!(-1.5), "")],
                   "dimensions": {"mesos_id": "", "container_id": "c1234", "hostname": ""}}),
        ),
    ] {
        let response = get(collector.http(), path);
        assert_eq!(response.status, 200, "{path}");
        assert_eq!(
            response.header("content-type"),
            Some("application/json; charset=utf-8")
        );
        assert_eq!(response.json(), expected, "{path}");
    }
}

#[test]
fn without_an_agent_the_node_has_the_name_of_the_machine() {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let collector = Running::start(&["--host-metrics=true"]);
    let node = get_until(collector.http(), "/v0/node", |answer| {
        answer.status == 200 && answer.body.contains("load.1min") && answer.body.contains("filesystem.")
    });
    // Both threads' metrics have it, or it would be no dimension of all.
    assert_eq!(
        node.json()["dimensions"],
        json!({"mesos_id": "", "hostname": name.trim_end()})
    );
}

#[test]
fn everything_at_once() {
    let collector = started();
    let debug = get(collector.http(), "/v0/debug").json();
    assert_eq!(debug["dimensions"], json!({"mesos_id": "", "hostname": ""}));
    let points = debug["datapoints"].as_array().unwrap();
    let of = |container: &Value| {
        points
            .iter()
            .filter(|point| point["tags"]["container_id"] == *container)
            .count()
    };
    assert_eq!(
        [of(&json!("c1")), of(&json!("c1234")), of(&json!(null))],
        [5, 1, 3]
    );
}

#[test]
fn nothing_found_is_204_without_a_body() {
    let collector = started();
    for path in [
        // A part of an id, and more than an id.
        "/v0/containers/c",
        "/v0/containers/c12/app",
        "/v0/containers/c1234",
        "/v0/containers/c1/app/nothing",
        "/v0/containers/c1/app/dcos.metrics.container.mem_rss_bytes",
    ] {
        let response = get(collector.http(), path);
        assert_eq!((response.status, response.body.as_str()), (204, ""), "{path}");
    }
    let idle = Running::start(&[]);
    assert_eq!(get(idle.http(), "/v0/node").status, 204);
    assert_eq!(get(idle.http(), "/v0/debug").status, 204);
    assert_eq!(get(idle.http(), "/v0/containers").json(), json!([]));
}

#[test]
fn ping() {
    let collector = Running::start(&[]);
    let pong = get(collector.http(), "/v0/ping").json();
    assert_eq!(pong["ok"], true);
    let time = pong["timestamp"].as_str().unwrap();
    assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
}

#[test]
fn what_is_not_sent_any_more_is_forgotten() {
    let collector = Running::start(&["--http-store-expiry=1"]);
    send(
        &collector,
        &[metrics("f", &[("container_id", "c")], &[("n", 1.0)])],
    );
    get_until(collector.http(), "/v0/containers/c/app", |answer| {
        answer.status == 204
    });
    // The container goes with its last series.
    get_until(collector.http(), "/v0/containers", |answer| answer.body == "[]");
}
