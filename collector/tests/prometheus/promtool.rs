//! Prometheus' own checker.

use crate::{Clocked, LIMITS, datapoint, member};
use stats_collector::sinks::prometheus::Format;
use stats_schema::MetricType;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn promtool_finds_nothing_wrong() {
    let path = "/usr/bin/promtool";
    if !Path::new(path).exists() {
        eprintln!("skipped: promtool is not installed; on Debian: apt-get install prometheus");
        return;
    }
    let clocked = Clocked::new(LIMITS);
    for tags in [
        [("container_id", "c1"), ("le", "x"), ("quantile", "0.5")],
        [("container_id", "c\"2\\\n"), ("__name__", "x"), ("1.st", "ü\0\r")],
        [
            ("Container_id", "c1"),
            ("container.id", "2"),
            ("container_id", ""),
        ],
    ] {
        clocked.take(&tags, "shop.requests", MetricType::Counter, 1.0);
        clocked.take(&tags, "5xx", MetricType::Gauge, -1e-300);
        clocked.take(&tags, "shop.took", MetricType::Timer, 12.5);
        // Names that meet.
        clocked.take(&tags, "shop.took_sum", MetricType::Histogram, f64::MAX);
        clocked.take(&tags, "shop.took", MetricType::Unknown, 1e18);
        assert_eq!(
            clocked
                .record(
                    &tags,
                    &[member("größe \"x\"", "m"), datapoint("x", MetricType::Set, 1.0)]
                )
                .taken,
            2
        );
    }
    let mut promtool = Command::new(path)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = clocked.text(Format::Text);
    // Dropped at the end of the statement, which ends the input.
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}\n{text}");
}
