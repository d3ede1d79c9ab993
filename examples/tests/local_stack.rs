//! The local stack, started as a user starts it.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Whether the program of this package is there.
fn installed(program: &str, package: &str) -> bool {
    let folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin"];
    let found = folders
        .iter()
        .any(|folder| Path::new(folder).join(program).exists());
    if !found {
        eprintln!("skipped: {program} is not installed; on Debian: apt-get install {package}");
    }
    found
}

/// What `run.sh` exits with when something is not installed.
const MISSING: i32 = 3;

fn script() -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("local-stack/run.sh"));
    command.stdin(Stdio::null());
    command
}

/// Where cargo puts the programs; None, with a word why, if only some of them have been built.
fn programs() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_BIN_EXE_statsd-emitter")).parent().unwrap();
    for program in [
        "dcos-stats-standalone",
        "dcos-stats-collector",
        "dcos-stats-consumer",
    ] {
        if !folder.join(program).exists() {
            eprintln!("skipped: {program} is not built; cargo test --workspace builds all programs");
            return None;
        }
    }
    Some(folder.to_owned())
}

/// All datapoints that came out of Kafka, by name.
fn names(files: &Path) -> Vec<String> {
    let printed = fs::read_to_string(files.join("print-consumer.out")).unwrap();
    let mut names = Vec::new();
    for line in printed.lines() {
        let record: Value = serde_json::from_str(line.strip_prefix("Record: ").unwrap()).unwrap();
        let datapoints = record["datapoints"].as_array().unwrap();
        names.extend(
            datapoints
                .iter()
                .map(|datapoint| datapoint["name"].as_str().unwrap().to_owned()),
        );
    }
    names
}

/// The indented rows behind the line that begins so.
fn rows<'a>(printed: &'a str, beginning: &str) -> Vec<&'a str> {
    let lines = printed.lines().skip_while(|line| !line.starts_with(beginning));
    lines.skip(1).take_while(|line| line.starts_with(' ')).collect()
}

#[test]
fn what_is_sent_comes_out_of_kafka_and_reaches_the_databases() {
    let Some(programs) = programs() else { return };
    let influx = installed("influxd", "influxdb");
    let graphite = installed("carbon-cache", "graphite-carbon");
    let files = TempDir::new().unwrap();
    let output = script()
        .args(["--seconds", "5"])
        .args(influx.then_some("--influx"))
        .args(graphite.then_some("--graphite"))
        .args([
            Path::new("--keep"),
            files.path(),
            Path::new("--programs"),
            &programs,
        ])
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    if output.status.code() == Some(MISSING) {
        eprintln!("skipped: {log}");
        return;
    }
    assert!(output.status.success(), "{printed}\n{log}");
    assert!(
        printed.contains("lines of the emitter came out of Kafka"),
        "{printed}"
    );

    let names = names(files.path());
    for beginning in [
        "statsd_emitter.sent.",
        "dcos.metrics.collector.",
        "dcos.metrics.module.",
    ] {
        assert!(
            names.iter().any(|name| name.starts_with(beginning)),
            "no {beginning}: {printed}"
        );
    }
    // What is asked for is a counter that the emitter increments once a second.
    if influx {
        let rows = rows(&printed, "InfluxDB has ");
        assert!(
            rows.len() > 1 && rows[1..].iter().all(|row| row.ends_with(",1,emitter")),
            "{printed}"
        );
    }
    if graphite {
        let rows = rows(&printed, "Graphite has ");
        assert!(
            !rows.is_empty() && rows.iter().all(|row| row.trim_end().ends_with("1.000000")),
            "{printed}"
        );
    }
    for entry in fs::read_dir("/proc").unwrap() {
        let line = fs::read(entry.unwrap().path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        assert!(
            !line.contains(files.path().to_str().unwrap()),
            "still runs: {line}"
        );
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let files = TempDir::new().unwrap();
    fs::write(files.path().join("x"), "").unwrap();
    let folder = files.path().to_str().unwrap();
    for (arguments, message) in [
        (["--second", "1"], "there is no option '--second'"),
        (["--seconds", "0"], "--seconds is '0', allowed is 1 to 86400"),
        (
            ["--seconds", "86401"],
            "--seconds is '86401', allowed is 1 to 86400",
        ),
        (["--influx", "--keep"], "--keep needs a value"),
        (["--keep", folder], "is no empty directory"),
    ] {
        let output = script().args(arguments).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{log}");
        assert!(log.contains(message), "{log}");
    }
}

#[test]
fn what_is_not_installed_is_named() {
    // Nothing is in the PATH but what the script itself needs before it looks for Java.
    let path = TempDir::new().unwrap();
    for tool in ["bash", "env", "dirname"] {
        let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool));
        let found = found.into_iter().find(|tool| tool.exists()).unwrap();
        std::os::unix::fs::symlink(found, path.path().join(tool)).unwrap();
    }
    let output = script().env("PATH", path.path()).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(MISSING), "{log}");
    assert!(
        log.contains("java is missing; on Debian: apt-get install openjdk-17-jre-headless"),
        "{log}"
    );
}
