//! The real binary, running, and streams to send to it.

// Each test program uses its own share of this.
#![allow(dead_code)]

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use stats_schema::{Block, Datapoint, Layout, MetricList, MetricType, Tag};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// No test waits for this long unless it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector that listens, killed when dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) address: String,
    /// There until somebody reads it.
    pub(crate) stdout: Option<ChildStdout>,
    /// What it logged until it listened.
    pub(crate) before_listening: Vec<String>,
    stderr: Lines,
}

/// What a process prints, line by line.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        thread::spawn(move || {
            let lines = BufReader::new(stream).lines().map_while(Result::ok);
            lines
                .take_while(|line| sender.send(line.clone()).is_ok())
                .for_each(drop);
        });
        Self(lines)
    }

    /// The next line; fails the test if there is none.
    pub(crate) fn next(&self) -> String {
        self.0.recv_timeout(PATIENCE).expect("a line was expected")
    }

    /// The next line that contains `text`.
    pub(crate) fn find(&self, text: &str) -> String {
        std::iter::repeat_with(|| self.next())
            .find(|line| line.contains(text))
            .unwrap()
    }

    /// All lines up to the end.
    pub(crate) fn rest(&self) -> Vec<String> {
        self.0.iter().collect()
    }

    pub(crate) fn next_json(&self) -> Value {
        serde_json::from_str(&self.next()).unwrap()
    }
}

/// The collector's binary, without the caller's environment, and with no source but connections.
pub(crate) fn collector() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcos-stats-collector"));
    command
        .env_clear()
        .env("HOST_METRICS", "false")
        .env("AGENT_POLLING", "false")
        // By way of the environment, so that a test can choose otherwise on the command line.
        .env("HTTP", "127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(collector().args(["--listen", "127.0.0.1:0"]).args(arguments))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stderr = Lines::of(child.stderr.take().unwrap());
        let mut before_listening: Vec<String> = Vec::new();
        let listening = std::iter::repeat_with(|| stderr.next())
            .find(|line| {
                before_listening.push(line.clone());
                line.contains("Listening on ")
            })
            .unwrap();
        let address = listening.rsplit(' ').next().unwrap().to_owned();
        Self {
            stdout: child.stdout.take(),
            child,
            address,
            before_listening,
            stderr,
        }
    }

    /// Where it answers HTTP requests, `127.0.0.1:4711`.
    pub(crate) fn http(&self) -> &str {
        let mut urls = self
            .before_listening
            .iter()
            .filter_map(|line| line.split_once("Serving http://"));
        urls.next().unwrap().1.trim_end_matches('/')
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(crate) fn stdout(&mut self) -> Lines {
        Lines::of(self.stdout.take().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The next line of the log that contains `text`.
    pub(crate) fn logged(&self, text: &str) -> String {
        self.stderr.find(text)
    }

    /// Waits for the process to end by itself: its status, and what else it logged.
    pub(crate) fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let log = self.stderr.rest();
        (self.child.wait().unwrap(), log)
    }

    /// Ends it and returns its final balance.
    pub(crate) fn terminate(self) -> Value {
        self.signal(Signal::TERM);
        let (status, log) = self.wait();
        assert!(status.success(), "{status}: {log:?}");
        balance(&log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The balance in the log of a collector that ended.
pub(crate) fn balance(log: &[String]) -> Value {
    let text = log
        .iter()
        .find_map(|line| line.split_once("Final balance: "))
        .expect("no balance in the log")
        .1;
    serde_json::from_str(text).unwrap()
}

/// Waits until the peer has closed its side.
pub(crate) fn wait_for_close(stream: &mut TcpStream) {
    // A reset is as good: the collector may close before it has read everything.
    match stream.read(&mut [0]) {
        Ok(0) => {}
        Ok(_) => panic!("the collector never sends"),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}"),
    }
}

pub(crate) fn list(topic: &str, name: &str) -> MetricList {
    MetricList {
        topic: topic.into(),
        tags: vec![Tag {
            key: "container_id".into(),
            value: "c1".into(),
        }],
        datapoints: vec![Datapoint {
            name: name.into(),
            time_ms: 1_472_688_000_123,
            value: 1.5,
            metric_type: MetricType::Counter,
            sample_rate: 0.5,
            text: None,
        }],
    }
}

pub(crate) fn block(layout: Layout, lists: &[MetricList]) -> Vec<u8> {
    let mut block = Block::new(layout);
    lists.iter().for_each(|list| block.push(list));
    let mut bytes = Vec::new();
    block.write(&mut bytes);
    bytes
}

/// A header and one block.
pub(crate) fn stream(layout: Layout, lists: &[MetricList]) -> Vec<u8> {
    [layout.header(), &block(layout, lists)].concat()
}
