//! What endpoints cost while nobody sends, measured at the real program.

use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A process that ends with this value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Resident memory of the standalone program with so many idle endpoints and both outputs, in KiB.
fn resident_kbytes(endpoints: usize) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let pairs = [
        ("state_path_dir", directory.path().to_str().unwrap()),
        ("output_statsd_enabled", "true"),
        ("output_statsd_host", "127.0.0.1"),
    ];
    let parameters: Vec<_> = pairs
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    let modules = json!({"libraries": [{"file": "libstats-slave.so", "modules": [
        {"name": "com_mesosphere_StatsIsolatorModule", "parameters": parameters}]}]});
    let file = directory.path().join("modules.json");
    fs::write(&file, modules.to_string()).unwrap();

    let mut command = Command::new(env!("CARGO_BIN_EXE_dcos-stats-standalone"));
    command.arg("--modules").arg(&file).env("RUST_LOG", "error");
    for number in 0..endpoints {
        command.arg("--container").arg(format!(
            "framework_id=f,executor_id=e{number},container_id=c{number}"
        ));
    }
    let mut child = Ended(command.stdout(Stdio::piped()).spawn().unwrap());
    let announced = BufReader::new(child.0.stdout.take().unwrap()).lines();
    assert_eq!(announced.take(endpoints).map(Result::unwrap).count(), endpoints);
    let status = fs::read_to_string(format!("/proc/{}/status", child.0.id())).unwrap();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    resident.unwrap().parse().unwrap()
}

#[test]
fn idle_endpoints_are_small() {
    for (endpoints, most_mebibytes) in [(100, 12), (1000, 48)] {
        let kbytes = resident_kbytes(endpoints);
        assert!(
            kbytes < most_mebibytes << 10,
            "{kbytes} KiB with {endpoints} idle endpoints"
        );
    }
}
