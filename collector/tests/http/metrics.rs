//! `/metrics` and `/health`.

use crate::client::{exchange, get, get_until, get_with, metrics, send};
use crate::running::{Running, collector};
use serde_json::json;
use std::collections::HashSet;
use std::net::TcpListener;

const OPEN_METRICS: &str = "Accept: application/openmetrics-text; version=1.0.0";

fn value(page: &str, series: &str) -> Option<f64> {
    let mut lines = page.lines().filter_map(|line| line.rsplit_once(' '));
    lines.find_map(|(name, value)| (name == series).then(|| value.parse().unwrap()))
}

/// Every family is declared once, and followed by all of its samples.
fn check(page: &str, open_metrics: bool) {
    let (mut families, mut series) = (HashSet::new(), HashSet::new());
    let mut family = String::new();
    for line in page.lines().filter(|line| *line != "# EOF") {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, _) = declared.split_once(' ').unwrap();
            assert!(families.insert(name.to_owned()), "{name} is declared twice");
            name.clone_into(&mut family);
        } else if !line.starts_with('#') {
            let (labelled, number) = line.rsplit_once(' ').unwrap();
            assert!(number.parse::<f64>().is_ok(), "{line}");
            assert!(labelled.starts_with(&family), "{line} after {family}");
            assert!(series.insert(labelled.to_owned()), "{labelled} is there twice");
        }
    }
    assert!(families.len() > 10);
    assert_eq!(page.ends_with("# EOF\n"), open_metrics);
}

#[test]
fn own_and_forwarded_are_one_page() {
    let collector = Running::start(&[]);
    let own = "dcos_metrics_collector_received_datapoints";
    send(
        &collector,
        &[metrics(
            "f",
            &[("container_id", "c1"), ("evil", "\"} 1\n# EOF\n")],
            // Names like the collector's own.
            &[
                ("hits", 3.0),
                ("dcos.metrics.collector.received.datapoints", 1e9),
                (&format!("{own}_total"), 1e9),
            ],
        )],
    );
    for (accept, content_type) in [
        ("Accept: */*", "text/plain; version=0.0.4; charset=utf-8"),
        (
            OPEN_METRICS,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ] {
        let response = get_with(collector.http(), "/metrics", accept);
        assert_eq!(
            (response.status, response.header("content-type")),
            (200, Some(content_type))
        );
        check(&response.body, accept == OPEN_METRICS);
        let sum = |series: &str| value(&response.body, series);
        assert_eq!(sum(&format!("{own}_total")), Some(3.0));
        assert_eq!(
            sum("dcos_metrics_collector_sink_written_datapoints_total{sink=\"stdout\"}"),
            Some(3.0)
        );
        assert!(
            response
                .body
                .contains("\nhits{container_id=\"c1\",evil=\"\\\"} 1\\n# EOF\\n\"} 3"),
            "{}",
            response.body
        );
    }
}

#[test]
fn every_part_of_the_collector_shows_its_counters() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    std::fs::write(path("metrics"), r#"{"slave/uptime_secs":1,"master":"none"}"#).unwrap();
    std::fs::write(path("containers"), "{}").unwrap();
    std::fs::write(path("books"), "received 5\nstdout 3\n").unwrap();
    // Nobody listens there any more.
    let broker = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let collector = Running::start(&[
        "--output=stdout",
        &format!("--kafka-brokers={broker}"),
        &format!("--books={}", path("books")),
        "--agent-polling=true",
        &format!("--agent-test-state-file={}", path("none")),
        &format!("--agent-test-system-file={}", path("metrics")),
        &format!("--agent-test-containers-file={}", path("containers")),
    ]);
    let sum = |page: &str, name: &str| value(page, &format!("dcos_metrics_collector_{name}"));
    let page = get_until(collector.http(), "/metrics", |page| {
        sum(&page.body, "kafka_output_connection_failures_total") >= Some(1.0)
            && sum(&page.body, "agent_poll_query_bad_data_total") >= Some(1.0)
    });
    check(&page.body, false);
    for (name, expected) in [
        ("agent_poll_queries_total", 3.0),
        ("agent_poll_query_failures_total", 1.0),
        ("agent_poll_query_bad_data_total", 1.0),
        ("agent_poll_metrics_values_total", 1.0),
        ("agent_poll_metrics_values_unsupported_total", 1.0),
        ("kafka_output_sessions_opened_total", 0.0),
        ("kafka_output_framework_lookup_failures_total", 0.0),
        ("topic_sorter_bytes_throttled_total", 0.0),
        ("sink_lost_before_datapoints_total{sink=\"stdout\"}", 2.0),
        ("sink_lost_before_datapoints_total{sink=\"kafka\"}", 0.0),
    ] {
        assert_eq!(sum(&page.body, name), Some(expected), "{name}");
    }
}

#[test]
fn refused_series_are_counted_and_shown() {
    let collector = Running::start(&["--http-store-datapoints=2", "--prometheus-series=1"]);
    let tags = [("container_id", "c1")];
    send(
        &collector,
        &[metrics("f", &tags, &[("a", 1.0), ("b", 2.0), ("c", 3.0)])],
    );
    send(
        &collector,
        &[
            metrics("f", &tags, &[("c", 4.0)]),
            metrics("f", &tags, &[("a", 5.0)]),
        ],
    );
    let health = get(collector.http(), "/health").json();
    let sink = |name: &str| {
        let mut sinks = health["sinks"].as_array().unwrap().iter();
        sinks.find(|sink| sink["name"] == name).unwrap().clone()
    };
    assert_eq!(health["status"], "ok");
    assert_eq!(
        sink("http"),
        json!({"name": "http", "status": "ok", "datapoints_waiting": 0, "datapoints_written": 3,
               "datapoints_dropped": {"series_limit": 2}})
    );
    assert_eq!(sink("prometheus")["datapoints_dropped"]["series_limit"], 3);
    let page = get(collector.http(), "/metrics").body;
    let dropped =
        "dcos_metrics_collector_sink_dropped_datapoints_total{sink=\"http\",reason=\"series_limit\"}";
    assert_eq!(value(&page, dropped), Some(2.0));
    let app = get(collector.http(), "/v0/containers/c1/app").json();
    let shown: Vec<_> = app["datapoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| &point["value"])
        .collect();
    assert_eq!(shown, [5.0, 2.0]);
    assert!(
        get(collector.http(), "/")
            .body
            .contains("<td>series limit</td><td class=\"number\">2</td>")
    );
    let balance = collector.terminate();
    assert_eq!(balance["balanced"], true);
    assert_eq!(balance["sinks"]["http"]["records_dropped"]["series_limit"], 1);
}

#[test]
fn http_can_be_off_or_elsewhere() {
    let off = Running::start(&["--http=off"]);
    assert!(!off.before_listening.iter().any(|line| line.contains("Serving")));
    assert!(off.terminate()["sinks"].get("http").is_none());

    let everywhere = Running::start(&["--http=0.0.0.0:0"]);
    let port = everywhere.http().rsplit(':').next().unwrap();
    let request = "GET /health HTTP/1.1\r\nHost: node-7.example\r\nConnection: close\r\n\r\n";
    assert_eq!(exchange(&format!("127.0.0.1:{port}"), request).status, 200);
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = collector()
        .args(["--listen=127.0.0.1:0", "--http", &address])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stderr).unwrap();
    for part in [
        "ERROR",
        &format!("Cannot serve HTTP on {address}"),
        "in use",
        "--http=off",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
    let output = collector().args(["--http", "nowhere"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("'nowhere'") && error.contains("127.0.0.1:9273"),
        "{error}"
    );
}
