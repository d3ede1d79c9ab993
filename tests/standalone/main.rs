//! `dcos-stats-standalone` as a person runs it: the real program, its JSON lines and its exit.
#![expect(clippy::unwrap_used, reason = "a test")]

mod names;
mod process;

use process::{Standalone, command, modules, send};
use serde_json::Value;
use std::io::{ErrorKind, Read};
use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const C1: &str = "framework_id=f,executor_id=e1,container_id=c1";
const C2: &str = "framework_id=f,executor_id=e2,container_id=c2";
const C3: &str = "framework_id=f,executor_id=e3,container_id=c3";

/// The next datagram; a child that ends meanwhile may interrupt the call.
fn receive(socket: &UdpSocket, datagram: &mut [u8]) -> usize {
    loop {
        match socket.recv(datagram) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            received => return received.unwrap(),
        }
    }
}

#[test]
fn prints_endpoints_forwards_and_accounts_for_it_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let file = modules(
        &directory,
        &[
            ("output_collector_enabled", "false"),
            ("output_statsd_enabled", "true"),
            ("output_statsd_host", "127.0.0.1"),
            (
                "output_statsd_port",
                &receiver.local_addr().unwrap().port().to_string(),
            ),
            ("state_path_dir", directory.path().to_str().unwrap()),
        ],
    );
    let mut standalone = Standalone::start(&file, &[C1]);
    let container = standalone.json_line();
    assert_eq!(container["container_id"], "c1");
    send(&container, b"a.b:1|c");
    let mut datagram = [0; 2048];
    let length = receive(&receiver, &mut datagram);
    assert_eq!(&datagram[..length], b"f.e1.c1.a.b:1|c");
    // What is in the chunk or the socket when the signal comes is sent before the end.
    send(&container, b"last:2|c");
    let accounting = standalone.terminate();
    let length = receive(&receiver, &mut datagram);
    assert_eq!(&datagram[..length], b"f.e1.c1.last:2|c");
    assert_eq!(accounting["lines_received"], 2);
    assert_eq!(accounting["statsd_output"]["lines_forwarded"], 2);
    assert_eq!(accounting["collector_output"], Value::Null);
}

#[test]
fn after_a_kill_the_ports_are_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let file = modules(
        &directory,
        &[("state_path_dir", directory.path().to_str().unwrap())],
    );
    let mut first = Standalone::start(&file, &[C1, C2, C3]);
    let before = [first.json_line(), first.json_line(), first.json_line()];
    first.kill();

    // Two of three still exist, and one is new.
    let new = "framework_id=f,executor_id=e4,container_id=c4";
    let mut second = Standalone::start(&file, &[C1, C3, new]);
    assert_eq!(
        [second.json_line(), second.json_line()],
        [before[0].clone(), before[2].clone()]
    );
    let fourth = second.json_line();
    assert_eq!(fourth["container_id"], "c4");
    let mut files: Vec<_> = std::fs::read_dir(directory.path().join("containers"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["c1", "c3", "c4"]);
    second.kill();

    // Without any named, all that are known come back, and with their identity.
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = collector.local_addr().unwrap().port().to_string();
    let file = modules(
        &directory,
        &[
            ("state_path_dir", directory.path().to_str().unwrap()),
            ("output_collector_port", &port),
            ("self_metrics_enabled", "false"),
        ],
    );
    let mut third = Standalone::start(&file, &[]);
    let mut back: Vec<Value> = (0..3).map(|_| third.json_line()).collect();
    back.sort_by_key(|container| container["container_id"].to_string());
    assert_eq!(back, [before[0].clone(), before[2].clone(), fourth]);
    send(&back[0], b"a:1|c");
    let (mut stream, _) = collector.accept().unwrap();
    let accounting = third.terminate();
    assert_eq!(accounting["collector_output"]["datapoints_forwarded"], 1);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let mut decoder = stats_schema::StreamDecoder::new(stats_schema::Limits::default());
    let mut records = Vec::new();
    decoder
        .feed(&bytes, |record| records.push(record.to_owned()))
        .unwrap();
    let tags: Vec<_> = records[0]
        .tags
        .iter()
        .map(|tag| (tag.key.as_str(), tag.value.as_str()))
        .collect();
    assert_eq!(
        tags,
        [
            ("framework_id", "f"),
            ("executor_id", "e1"),
            ("container_id", "c1")
        ]
    );
}

fn failure(arguments: &[&str]) -> String {
    let Output {
        status,
        stderr,
        stdout,
    } = command(arguments).output().unwrap();
    assert!(!status.success());
    assert_eq!(String::from_utf8(stdout).unwrap(), "");
    String::from_utf8(stderr).unwrap()
}

#[test]
fn says_what_is_wrong_and_where() {
    let directory = tempfile::tempdir().unwrap();
    let missing = failure(&["--modules", "/nowhere/modules.json"]);
    assert!(
        missing.contains("/nowhere/modules.json can't be read: No such file"),
        "{missing}"
    );
    let typo = failure(&["--modules", &modules(&directory, &[("listen_interfac", "lo")])]);
    assert!(
        typo.contains("listen_interfac") && typo.contains("listen_interface"),
        "{typo}"
    );
    let interface = failure(&[
        "--modules",
        &modules(&directory, &[("listen_interface", "nosuch0")]),
    ]);
    assert!(
        interface.contains("listen_interface") && interface.contains("nosuch0"),
        "{interface}"
    );
    for (ids, expected) in [
        ("framework_id=f", "container_id=C is missing"),
        ("container_id=", "`container_id=` is not one of"),
        ("container_id=c,pod=p", "`pod=p` is not one of"),
    ] {
        let error = failure(&["--modules", "unused", "--container", ids]);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_range_too_small_for_the_containers_is_an_error() {
    let first = process::two_free_ports();
    let directory = tempfile::tempdir().unwrap();
    let file = modules(
        &directory,
        &[
            ("listen_port_mode", "range"),
            ("listen_port_start", &first.to_string()),
            ("listen_port_end", &(first + 1).to_string()),
            ("state_path_dir", directory.path().to_str().unwrap()),
        ],
    );
    let output = command(&[
        "--modules",
        &file,
        "--container",
        C1,
        "--container",
        C2,
        "--container",
        C3,
    ])
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains(&format!(
            "container c3: Port range {first}-{} has been depleted.",
            first + 1
        )),
        "{stderr}"
    );
}

#[test]
fn a_stall_of_30_ms_at_100_000_datagrams_a_second_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = modules(
        &directory,
        &[("state_path_dir", directory.path().to_str().unwrap())],
    );
    let mut standalone = Standalone::start(&file, &[C1]);
    let container = standalone.json_line();
    let granted = std::fs::read_to_string("/proc/sys/net/core/rmem_max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    if granted.is_some_and(|bytes: usize| bytes < 8 << 20) && !process::is_root() {
        eprintln!("skipped: only root may have the receive buffer that this needs");
        return;
    }
    standalone.signal("-STOP");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let endpoint = process::endpoint(&container);
    for _ in 0..3000 {
        socket
            .send_to(b"service.requests.latency:12.5|ms|#path:/", &endpoint)
            .unwrap();
    }
    standalone.signal("-CONT");
    let accounting = standalone.terminate();
    assert_eq!(
        (&accounting["lines_received"], &accounting["kernel_drops"]),
        (&3000.into(), &0.into())
    );
}

#[test]
fn a_full_disk_costs_the_state_file_and_not_the_endpoint() {
    if !process::may_mount() {
        eprintln!("skipped: this needs root, unshare and a mount namespace");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let full = directory.path().join("full");
    std::fs::create_dir(&full).unwrap();
    let file = modules(&directory, &[("state_path_dir", full.to_str().unwrap())]);
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=64k tmpfs \"$0\"; cat /dev/zero >\"$0\"/filler 2>&-; exec \"$@\"";
    command.args(["--mount", "sh", "-c", script]).arg(&full);
    command.arg(env!("CARGO_BIN_EXE_dcos-stats-standalone"));
    command
        .args(["--modules", &file, "--container", C1])
        .stderr(Stdio::piped());
    let mut standalone = Standalone::spawn(command);
    let container = standalone.json_line();
    send(&container, b"a:1|c");
    let log = standalone.stderr();
    let accounting = standalone.terminate();
    assert_eq!(accounting["lines_received"], 1);
    let log = std::io::read_to_string(log).unwrap();
    let complaint = log
        .lines()
        .find(|line| line.contains("will lose its endpoint"))
        .unwrap_or_else(|| panic!("{log}"));
    assert!(
        complaint.contains("c1") && complaint.contains("No space left on device"),
        "{complaint}"
    );
}
