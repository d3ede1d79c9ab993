//! A core that can be stopped and started again on its state directory, and a receiver of its StatsD output.

use crate::Damage;
use crate::model::Mode;
use serde_json::Value;
use stats_slave::container::{Container, ContainerId};
use stats_slave::parameters::{ParameterList, Parameters};
use stats_slave::{Core, Recovery};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tempfile::TempDir;

pub(crate) struct Node {
    /// A loopback address of its own, on which all ports are free.
    pub(crate) ip: IpAddr,
    parameters: Parameters,
    /// `None` while it is stopped.
    core: Option<Core>,
    state_dir: TempDir,
    statsd: UdpSocket,
}

impl Node {
    pub(crate) fn new(mode: Mode, ports: &[u16]) -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let [.., high, low] = std::process::id().to_be_bytes();
        // A test a case, one after the other: the address comes round when the sockets of its last case are long closed.
        let ip = Ipv4Addr::new(127, high.max(1), low, NEXT.fetch_add(1, Ordering::Relaxed));
        let state_dir = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let statsd = UdpSocket::bind("127.0.0.1:0").unwrap();
        statsd.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mode = match mode {
            Mode::Ephemeral => "ephemeral",
            Mode::Range => "range",
            Mode::Single => "single",
        };
        let pairs = [
            ("state_path_dir", state_dir.path().to_str().unwrap()),
            ("listen_ip", &ip.to_string()),
            ("listen_port_mode", mode),
            ("listen_port", &ports[0].to_string()),
            ("listen_port_start", &ports[0].to_string()),
            ("listen_port_end", &ports[ports.len() - 1].to_string()),
            ("output_collector_enabled", "false"),
            ("output_statsd_enabled", "true"),
            ("output_statsd_host", "127.0.0.1"),
            (
                "output_statsd_port",
                &statsd.local_addr().unwrap().port().to_string(),
            ),
            ("output_statsd_annotation_mode", "tag_datadog"),
            ("output_statsd_chunking", "false"),
            ("self_metrics_enabled", "false"),
        ];
        let list = ParameterList::from_pairs(pairs).unwrap();
        let mut node = Self {
            ip: IpAddr::V4(ip),
            parameters: Parameters::from_list(&list).unwrap(),
            core: None,
            state_dir,
            statsd,
        };
        node.start();
        node
    }

    pub(crate) fn start(&mut self) {
        self.core = Some(Core::start(&self.parameters).unwrap());
    }

    pub(crate) fn stop(&mut self) {
        let accounting = self.core.take().unwrap().shutdown().unwrap();
        assert_eq!(accounting.imbalances(), Vec::<String>::new());
        assert_eq!(accounting.panics, 0);
    }

    /// The port, if there is one to be had.
    pub(crate) fn register(&self, container: usize) -> Option<u16> {
        let endpoint = self.core().register(&of(container)).ok()?;
        assert_eq!(endpoint.ip(), self.ip);
        Some(endpoint.port())
    }

    pub(crate) fn unregister(&self, container: usize) -> bool {
        let known = self.core().unregister(&of(container).id);
        // When the loop answers, it has closed the endpoint.
        self.core().accounting().unwrap();
        known
    }

    pub(crate) fn recover(&self, alive: &BTreeSet<usize>) -> Recovery {
        let alive: Vec<_> = alive.iter().copied().map(of).collect();
        self.core().recover(&alive)
    }

    /// The containers that have a state file.
    pub(crate) fn files(&self) -> BTreeSet<usize> {
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        fs::read_dir(self.state_dir.path().join("containers"))
            .into_iter()
            .flatten()
            .map(|entry| name(entry.unwrap())[1..].parse().unwrap())
            .collect()
    }

    /// The port in a container's state file.
    pub(crate) fn file_port(&self, container: usize) -> Option<u16> {
        let file: Value = serde_json::from_str(&fs::read_to_string(self.file(container)).ok()?).unwrap();
        u16::try_from(file["statsd_port"].as_u64().unwrap()).ok()
    }

    pub(crate) fn damage(&self, container: usize, damage: Damage) {
        let file = self.file(container);
        let content = fs::read(&file).unwrap();
        match damage {
            Damage::Deleted => fs::remove_file(file),
            Damage::Empty => fs::write(file, ""),
            Damage::HalfWritten => fs::write(file, &content[..content.len() / 2]),
            Damage::OtherKind => {
                fs::remove_file(&file).and_then(|()| std::os::unix::fs::symlink("/dev/zero", file))
            }
        }
        .unwrap();
    }

    /// How many files were set aside.
    pub(crate) fn unreadable(&self) -> usize {
        fs::read_dir(self.state_dir.path().join("unreadable")).map_or(0, Iterator::count)
    }

    /// Has each container say its name at its port; what comes of it, sorted.
    pub(crate) fn said(&self, ports: &BTreeMap<usize, u16>) -> Vec<String> {
        // When the loop answers, it knows whose a shared endpoint is.
        self.core().accounting().unwrap();
        let sender = UdpSocket::bind((self.ip, 0)).unwrap();
        for (container, &port) in ports {
            let line = format!("c{container}:1|c");
            sender.send_to(line.as_bytes(), (self.ip, port)).unwrap();
        }
        let mut datagram = [0; 1024];
        let mut lines: Vec<_> = ports
            .iter()
            .map(|_| {
                let length = self
                    .statsd
                    .recv(&mut datagram)
                    .expect("a line from each container");
                String::from_utf8_lossy(&datagram[..length]).into_owned()
            })
            .collect();
        lines.sort();
        lines
    }

    fn core(&self) -> &Core {
        self.core.as_ref().unwrap()
    }

    fn file(&self, container: usize) -> PathBuf {
        self.state_dir
            .path()
            .join("containers")
            .join(format!("c{container}"))
    }
}

fn of(container: usize) -> Container {
    Container {
        id: ContainerId::new(format!("c{container}")),
        framework_id: "f".to_owned(),
        executor_id: format!("e{container}"),
    }
}

/// What the lines of a container get.
pub(crate) fn tags(container: usize) -> String {
    format!("framework_id:f,executor_id:e{container},container_id:c{container}")
}
