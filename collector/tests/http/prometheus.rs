//! A real Prometheus reads `/metrics`, and `promtool` has nothing against it.

use crate::client::{get, metrics, send};
use crate::running::Running;
use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// No server takes this long, unless the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn installed(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        eprintln!("skipped: {program} is not installed; on Debian: apt-get install prometheus");
    }
    found
}

/// A port that nobody had a moment ago: Prometheus does not tell which one it got.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Names that collide, clash and are not legal, of all tasks.
fn send_awkward_metrics(collector: &Running) {
    let container = [("container_id", "c1"), ("9path", "a\"b\\c\n"), ("le", "1")];
    send(
        collector,
        &[metrics(
            "f",
            &container,
            &[
                ("hits", 3.0),
                ("2xx.count", 1.0),
                ("2xx-count", 2.0),
                ("hits_total", 1.0),
            ],
        )],
    );
}

#[test]
fn a_real_prometheus_scrapes_it() {
    if !installed("prometheus") {
        return;
    }
    let collector = Running::start(&[]);
    send_awkward_metrics(&collector);
    let directory = tempfile::tempdir().unwrap();
    let configuration = directory.path().join("prometheus.yml");
    let target = collector.http();
    let text = format!(
        "global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: collector\n    static_configs:\n      - targets: ['{target}']\n"
    );
    fs::write(&configuration, text).unwrap();
    let address = free_address();
    let log = fs::File::create(directory.path().join("log")).unwrap();
    let _prometheus = Prometheus(
        Command::new("prometheus")
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                directory.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap(),
    );
    let deadline = Instant::now() + PATIENCE;
    // There is nothing to wait on but its answers.
    let answer = |query: &str| {
        loop {
            if TcpStream::connect(&address).is_ok() {
                let response = get(&address, &format!("/api/v1/query?query={query}"));
                if response.status == 200 && !response.body.contains(r#""result":[]"#) {
                    return response.body;
                }
            }
            assert!(
                Instant::now() < deadline,
                "{}",
                fs::read_to_string(directory.path().join("log")).unwrap_or_default()
            );
            sleep(Duration::from_millis(200));
        }
    };
    let up = answer("up");
    assert!(up.contains(r#","1"]"#), "{up}");
    let hits = answer("hits");
    assert!(
        hits.contains(r#""container_id":"c1""#) && hits.contains(r#","3"]"#),
        "{hits}"
    );
    let own = answer("dcos_metrics_collector_received_datapoints_total");
    assert!(own.contains(r#","4"]"#), "{own}");
}

#[test]
fn promtool_has_nothing_against_it() {
    if !installed("promtool") {
        return;
    }
    let collector = Running::start(&[]);
    send_awkward_metrics(&collector);
    // With 3 it finds names in bad taste, which tasks may have; with 1 the page is not valid.
    let (code, complaints) = promtool(&collector);
    assert!(matches!(code, Some(0 | 3)), "{complaints}");

    // The collector's own have none. Nobody has to listen for Kafka's to be there.
    let broker = format!("--kafka-brokers={}", free_address());
    let (code, complaints) = promtool(&Running::start(&[&broker]));
    assert_eq!(code, Some(0), "{complaints}");
}

/// Its exit status and what it says of the page.
fn promtool(collector: &Running) -> (Option<i32>, String) {
    let page = get(collector.http(), "/metrics");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(page.body.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), complaints)
}
