//! A core with receivers on loopback for both outputs.

use serde_json::json;
use stats_schema::{Limits, MetricList, StreamDecoder};
use stats_slave::Core;
use stats_slave::accounting::Accounting;
use stats_slave::container::{Container, ContainerId};
use stats_slave::parameters::{Parameters, modules};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Long enough for anything that should happen, short enough to end a test in which it does not.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn container(id: &str) -> Container {
    Container {
        id: ContainerId::new(id),
        framework_id: "f".to_owned(),
        executor_id: format!("e-{id}"),
    }
}

/// Parameters as an operator would write them.
pub(crate) fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    let file = json!({"libraries": [{"file": "libstats-slave.so", "modules": [
        {"name": "com_mesosphere_StatsIsolatorModule", "parameters": pairs}]}]});
    Parameters::from_list(&modules(&file.to_string()).unwrap()).unwrap()
}

pub(crate) struct Node {
    pub(crate) core: Core,
    pub(crate) state_dir: TempDir,
    pub(crate) statsd: UdpSocket,
    pub(crate) collector: TcpListener,
}

/// A core with both outputs on, and `more` parameters.
pub(crate) fn start(more: &[(&str, &str)]) -> Node {
    let state_dir = tempfile::tempdir().unwrap();
    let statsd = UdpSocket::bind("127.0.0.1:0").unwrap();
    statsd.set_read_timeout(Some(PATIENCE)).unwrap();
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let statsd_port = statsd.local_addr().unwrap().port().to_string();
    let collector_port = collector.local_addr().unwrap().port().to_string();
    let mut pairs = vec![
        ("state_path_dir", state_dir.path().to_str().unwrap()),
        ("output_statsd_enabled", "true"),
        ("output_statsd_host", "127.0.0.1"),
        ("output_statsd_port", &statsd_port),
        ("output_statsd_annotation_mode", "tag_datadog"),
        ("output_collector_port", &collector_port),
        ("output_collector_chunk_timeout_seconds", "1"),
    ];
    pairs.retain(|(key, _)| more.iter().all(|(other, _)| other != key));
    pairs.extend(more);
    let core = Core::start(&parameters(&pairs)).unwrap();
    Node {
        core,
        state_dir,
        statsd,
        collector,
    }
}

impl Node {
    /// Lines the StatsD receiver gets, until there are `count`.
    pub(crate) fn statsd_lines(&self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let mut datagram = vec![0; 65_536];
        while lines.len() < count {
            let length = self.statsd.recv(&mut datagram).expect("a datagram in time");
            lines.extend(
                String::from_utf8_lossy(&datagram[..length])
                    .split('\n')
                    .map(str::to_owned),
            );
        }
        lines
    }

    /// The same node with nobody listening where its collector was.
    pub(crate) fn without_collector(self) -> Self {
        drop(accept(&self.collector));
        let Self {
            core,
            state_dir,
            statsd,
            collector,
        } = self;
        drop(collector);
        Self {
            core,
            state_dir,
            statsd,
            collector: TcpListener::bind("127.0.0.1:0").unwrap(),
        }
    }

    /// Ends the core; its books, which must balance.
    pub(crate) fn stop(self) -> Accounting {
        let accounting = self.core.shutdown().unwrap();
        assert_eq!(accounting.imbalances(), Vec::<String>::new());
        accounting
    }
}

/// The next connection of the core.
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let start = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                return stream;
            }
            Err(_) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => panic!("no connection came: {error}"),
        }
    }
}

/// Records of a stream, as the collector sees them.
pub(crate) struct Records {
    stream: TcpStream,
    decoder: StreamDecoder,
}

impl Records {
    pub(crate) fn of(stream: TcpStream) -> Self {
        Self {
            stream,
            decoder: StreamDecoder::new(Limits::default()),
        }
    }

    /// Says that so many blocks were taken over.
    pub(crate) fn acknowledge(&mut self, blocks: u64) {
        self.stream.write_all(&blocks.to_be_bytes()).unwrap();
    }

    /// Reads until `enough`.
    pub(crate) fn until(&mut self, mut enough: impl FnMut(&[MetricList]) -> bool) -> Vec<MetricList> {
        let mut lists = Vec::new();
        let mut bytes = vec![0; 65_536];
        while !enough(&lists) {
            let length = self.stream.read(&mut bytes).expect("more records in time");
            assert!(length > 0, "the stream ended after {lists:?}");
            self.decoder
                .feed(&bytes[..length], |record| lists.push(record.to_owned()))
                .unwrap();
        }
        lists
    }

    /// Reads until there are `count` datapoints.
    pub(crate) fn datapoints(&mut self, count: usize) -> Vec<MetricList> {
        self.until(|lists| lists.iter().map(|list| list.datapoints.len()).sum::<usize>() >= count)
    }
}

/// A task's socket.
pub(crate) fn task(endpoint: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(if endpoint.is_ipv4() {
        "127.0.0.1:0"
    } else {
        "[::1]:0"
    })
    .unwrap();
    socket.connect(endpoint).unwrap();
    socket
}

/// Waits until the counters are as they should be.
pub(crate) fn wait(core: &Core, what: &str, mut reached: impl FnMut(&Accounting) -> bool) -> Accounting {
    let start = Instant::now();
    loop {
        let accounting = core.accounting().unwrap();
        if reached(&accounting) {
            return accounting;
        }
        assert!(start.elapsed() < PATIENCE, "{what} did not come: {accounting:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The first of `count` ports in a row that nobody has. They lie below those that the kernel gives to sockets without a port
/// of their own, so that no other test gets them by chance; each call starts elsewhere.
pub(crate) fn free_ports(count: u16) -> u16 {
    static CALLS: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 10_000;
    const SPAN: u16 = 20_000;
    let process = u16::try_from(std::process::id() % u32::from(SPAN)).unwrap();
    for _ in 0..1000 {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let first = FIRST + process.wrapping_mul(7).wrapping_add(call.wrapping_mul(16)) % SPAN;
        let sockets: Vec<_> = (first..first + count)
            .map(|port| UdpSocket::bind(("127.0.0.1", port)))
            .collect();
        if sockets.iter().all(Result::is_ok) {
            return first;
        }
    }
    panic!("{count} free ports in a row were not found");
}
