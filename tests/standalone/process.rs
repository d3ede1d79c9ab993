//! The program, started, asked and ended.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// Writes a modules file with these parameters.
pub(crate) fn modules(directory: &TempDir, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    let file = json!({"libraries": [{"file": "libstats-slave.so", "modules": [
        {"name": "com_mesosphere_StatsIsolatorModule", "parameters": pairs}]}]});
    let path = directory.path().join("modules.json");
    std::fs::write(&path, file.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcos-stats-standalone"));
    command.args(arguments);
    command
}

/// A running standalone; killed if the test fails.
pub(crate) struct Standalone {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Standalone {
    pub(crate) fn start(modules: &str, containers: &[&str]) -> Self {
        let mut arguments = vec!["--modules", modules];
        containers
            .iter()
            .for_each(|ids| arguments.extend(["--container", ids]));
        Self::spawn(command(&arguments))
    }

    /// Runs a command that becomes the program.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    pub(crate) fn json_line(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?} is no JSON: {error}"))
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(
            Command::new("kill")
                .args([name, &self.child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Its log, if it was piped; to be read when the program has ended.
    pub(crate) fn stderr(&mut self) -> ChildStderr {
        self.child.stderr.take().unwrap()
    }

    /// Ends it in the good way; its accounting.
    pub(crate) fn terminate(mut self) -> Value {
        self.signal("-TERM");
        let accounting = self.json_line();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        accounting
    }

    pub(crate) fn kill(mut self) {
        self.signal("-KILL");
        self.child.wait().unwrap();
    }
}

impl Drop for Standalone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn send(container: &Value, datagram: &[u8]) {
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .send_to(datagram, endpoint(container))
        .unwrap();
}

/// Host and port of a container's JSON line.
pub(crate) fn endpoint(container: &Value) -> String {
    format!(
        "{}:{}",
        container["statsd_host"].as_str().unwrap(),
        container["statsd_port"]
    )
}

/// Whether this process may do what root may.
pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout == b"0\n"
}

/// Whether this process may give a program a mount namespace of its own.
pub(crate) fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["--mount", "mount", "--bind", "/etc/hosts", "/etc/hosts"])
        .output();
    is_root() && tried.is_ok_and(|output| output.status.success())
}

/// The first of two ports in a row that nobody has, below those that the kernel gives to sockets without a port of their own.
pub(crate) fn two_free_ports() -> u16 {
    let process = u16::try_from(std::process::id() % 20_000).unwrap();
    (0..1000_u16)
        .map(|attempt| 10_000 + process.wrapping_mul(7).wrapping_add(attempt * 16) % 20_000)
        .find(|&first| {
            [first, first + 1]
                .iter()
                .all(|&port| UdpSocket::bind(("127.0.0.1", port)).is_ok())
        })
        .unwrap()
}
