//! The StatsD destination's name changes its addresses, by a hosts file that only the program under test sees.

use crate::process::{Standalone, endpoint, may_mount, modules};
use serde_json::Value;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// The program in a mount namespace of its own, where `hosts` lies over /etc/hosts.
fn start_with_hosts(hosts: &Path, modules: &str) -> Standalone {
    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "sh",
        "-c",
        "mount --bind \"$0\" /etc/hosts && exec \"$@\"",
    ]);
    command
        .arg(hosts)
        .arg(env!("CARGO_BIN_EXE_dcos-stats-standalone"));
    command.args([
        "--modules",
        modules,
        "--container",
        "framework_id=f,executor_id=e,container_id=c",
    ]);
    Standalone::spawn(command)
}

/// Sends numbered lines until one that was sent after the start of this call arrives at `receiver`.
fn send_until_it_arrives(container: &Value, receiver: &UdpSocket, number: &mut u32) {
    let task = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (start, first) = (Instant::now(), *number);
    receiver
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let mut datagram = [0; 2048];
    loop {
        assert!(
            start.elapsed() < PATIENCE,
            "nothing arrives at {}",
            receiver.local_addr().unwrap()
        );
        task.send_to(format!("n:{number}|g").as_bytes(), endpoint(container))
            .unwrap();
        *number += 1;
        if let Ok(length) = receiver.recv(&mut datagram) {
            let text = std::str::from_utf8(&datagram[..length]).unwrap();
            let arrived: u32 = text.split([':', '|']).nth(1).unwrap().parse().unwrap();
            if arrived >= first {
                return;
            }
        }
    }
}

#[test]
fn a_destination_that_moves_is_followed_and_one_that_stays_is_kept() {
    if !may_mount() {
        eprintln!("skipped: this needs root, unshare and a mount namespace");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let hosts = directory.path().join("hosts");
    fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
    let first = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = first.local_addr().unwrap().port();
    let second = UdpSocket::bind(("127.0.0.2", port)).unwrap();
    let file = modules(
        &directory,
        &[
            ("output_collector_enabled", "false"),
            ("output_statsd_enabled", "true"),
            ("output_statsd_host", "metrics.test"),
            ("output_statsd_host_refresh_seconds", "1"),
            ("output_statsd_port", &port.to_string()),
            ("output_statsd_chunking", "false"),
            ("output_statsd_annotation_mode", "none"),
            ("self_metrics_enabled", "false"),
            ("state_path_dir", directory.path().to_str().unwrap()),
        ],
    );
    let mut standalone = start_with_hosts(&hosts, &file);
    let container = standalone.json_line();
    let mut number = 0;
    let lines = |text: &str| fs::write(&hosts, format!("127.0.0.1 localhost\n{text}")).unwrap();

    // Sent while the name does not exist: dropped and counted, to the end of this test.
    let task = UdpSocket::bind("127.0.0.1:0").unwrap();
    task.send_to(b"early:1|g", endpoint(&container)).unwrap();
    lines("127.0.0.1 metrics.test\n");
    send_until_it_arrives(&container, &first, &mut number);

    // Another address joins. The one in use is still listed, so nothing changes, however often it is looked up.
    lines("127.0.0.2 metrics.test\n127.0.0.1 metrics.test\n");
    second
        .set_read_timeout(Some(Duration::from_millis(3500)))
        .unwrap();
    let late = second.recv(&mut [0; 64]);
    assert!(late.is_err(), "data went to the other address");
    send_until_it_arrives(&container, &first, &mut number);

    lines("127.0.0.2 metrics.test\n");
    send_until_it_arrives(&container, &second, &mut number);

    // The name is gone: the last address that was good stays.
    lines("");
    first.set_read_timeout(Some(Duration::from_millis(2500))).unwrap();
    while first.recv(&mut [0; 64]).is_ok() {}
    send_until_it_arrives(&container, &second, &mut number);

    let accounting = standalone.terminate();
    let statsd = &accounting["statsd_output"];
    let dropped = statsd["lines_dropped"]["no_destination"].as_u64().unwrap();
    assert!(dropped >= 1, "{accounting}");
    assert_eq!(
        statsd["lines_forwarded"].as_u64().unwrap() + dropped,
        u64::from(number) + 1
    );
}
