//! A core with both outputs on, whose receivers take everything.

use stats_slave::Core;
use stats_slave::accounting::Accounting;
use stats_slave::container::{Container, ContainerId};
use stats_slave::parameters::{ParameterList, Parameters};
use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Long enough for anything that should happen, short enough to end a test in which it does not.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tests of this file look at the whole process, so only one may change it at a time.
static ALONE: Mutex<()> = Mutex::new(());

pub(crate) struct Node {
    pub(crate) core: Core,
    collector: JoinHandle<u64>,
    /// Nobody reads it: the kernel drops what it does not hold.
    _statsd: UdpSocket,
    _state_dir: TempDir,
    _alone: MutexGuard<'static, ()>,
}

pub(crate) fn container(number: usize) -> Container {
    Container {
        id: ContainerId::new(format!("4f1c5a6e-93d7-4a0c-8c41-{number:012}")),
        framework_id: "8a1f2b3c-6d5e-4f70-9182-a3b4c5d6e7f8-0001".to_owned(),
        executor_id: format!("service.{number}"),
    }
}

impl Node {
    /// Starts the core and waits until the collector is connected.
    pub(crate) fn start() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        // As /var/run, where the state is on agents, it is a tmpfs; thousands of files a second are too much for a disk.
        let memory = Path::new("/dev/shm");
        let state_dir = if memory.is_dir() {
            tempfile::tempdir_in(memory).unwrap()
        } else {
            tempfile::tempdir().unwrap()
        };
        let statsd = UdpSocket::bind("127.0.0.1:0").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let statsd_port = statsd.local_addr().unwrap().port().to_string();
        let collector_port = listener.local_addr().unwrap().port().to_string();
        let collector = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = vec![0; 256 << 10];
            let mut total = 0;
            loop {
                match stream.read(&mut bytes).unwrap() {
                    0 => return total,
                    count => total += count as u64,
                }
            }
        });
        let pairs = [
            ("state_path_dir", state_dir.path().to_str().unwrap()),
            ("container_limit_amount_kbytes", "1000000000"),
            ("output_statsd_enabled", "true"),
            ("output_statsd_host", "127.0.0.1"),
            ("output_statsd_port", &statsd_port),
            ("output_statsd_annotation_mode", "tag_datadog"),
            ("output_statsd_chunk_size_bytes", "1432"),
            ("output_collector_port", &collector_port),
            ("output_collector_chunk_timeout_seconds", "1"),
            // Once a minute the module speaks of itself, and then it allocates.
            ("self_metrics_enabled", "false"),
        ];
        let list = ParameterList::from_pairs(pairs).unwrap();
        let core = Core::start(&Parameters::from_list(&list).unwrap()).unwrap();
        let node = Self {
            core,
            collector,
            _statsd: statsd,
            _state_dir: state_dir,
            _alone: alone,
        };
        node.wait("the connection to the collector", |accounting| {
            accounting.collector_output.as_ref().unwrap().connects == 1
        });
        node
    }

    /// Waits until the counters are as they should be.
    pub(crate) fn wait(&self, what: &str, mut reached: impl FnMut(&Accounting) -> bool) -> Accounting {
        let start = Instant::now();
        loop {
            let accounting = self.core.accounting().unwrap();
            if reached(&accounting) {
                return accounting;
            }
            assert!(start.elapsed() < PATIENCE, "{what} did not come: {accounting:?}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends the core to which nobody has sent anything.
    pub(crate) fn stop_unused(self) {
        let accounting = self.core.shutdown().unwrap();
        assert_eq!(accounting.datagrams_received, 0);
        self.collector.join().unwrap();
    }

    /// Ends the core. Its books must balance, and the collector have got all that was forwarded to it.
    pub(crate) fn stop(self) {
        let accounting = self.core.shutdown().unwrap();
        assert_eq!(accounting.imbalances(), Vec::<String>::new());
        let received = self.collector.join().unwrap();
        let forwarded = accounting.collector_output.unwrap().bytes_forwarded;
        assert!(
            received >= forwarded && forwarded > 0,
            "{received} of {forwarded} bytes"
        );
    }
}
