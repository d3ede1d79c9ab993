//! A real broker, and messages for it.

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tempfile::TempDir;

/// A broker with its files. Stopped when dropped.
#[derive(Debug)]
pub struct Broker {
    files: TempDir,
    port: AtomicU16,
}

/// What `kafka.sh` exits with when Java or Maven is missing.
const MISSING: i32 = 3;

static SHARED: Mutex<Weak<Broker>> = Mutex::new(Weak::new());

impl Broker {
    /// The broker that the tests of one program share; None, with a word why, if this machine cannot run one.
    #[must_use]
    pub fn shared() -> Option<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(broker) = shared.upgrade() {
            return Some(broker);
        }
        let broker = Arc::new(Self::launch()?);
        *shared = Arc::downgrade(&broker);
        Some(broker)
    }

    /// A broker of one's own; None, with a word why, if this machine cannot run one.
    #[must_use]
    pub fn launch() -> Option<Self> {
        let broker = Self {
            files: TempDir::new().unwrap(),
            port: AtomicU16::new(free_port()),
        };
        broker.run().then_some(broker)
    }

    /// Gets what [`Broker::launch`] would get from the network first; false, with a word why, if this machine cannot run one.
    #[must_use]
    pub fn fetch() -> bool {
        is_done(&script().arg("fetch").output().unwrap())
    }

    /// Starts it again after [`Broker::stop`], with what it stored and on the same port.
    pub fn start(&self) {
        assert!(self.run());
    }

    /// Starts it again after [`Broker::stop`], with what it stored and on another port.
    pub fn start_elsewhere(&self) {
        self.port.store(free_port(), Ordering::Relaxed);
        self.start();
    }

    /// Whether it runs now, and not if this machine cannot run one.
    fn run(&self) -> bool {
        let output = script()
            .arg("start")
            .arg(self.files.path())
            .arg(self.port().to_string())
            .stdin(Stdio::null())
            .output();
        is_done(&output.unwrap())
    }

    /// Stops it and waits until it has ended. What it stored stays.
    pub fn stop(&self) {
        let status = script()
            .arg("stop")
            .arg(self.files.path())
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }

    /// Lets it stand still, connections open, until [`Broker::thaw`].
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`Broker::freeze`].
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let process = std::fs::read_to_string(self.files.path().join("kafka.pid")).unwrap();
        let status = Command::new("kill").args([signal, process.trim()]).status();
        assert!(status.unwrap().success());
    }

    /// Where it listens, as `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    fn port(&self) -> u16 {
        self.port.load(Ordering::Relaxed)
    }

    /// Writes `messages` to `topic` and waits until the broker has them.
    pub fn produce(&self, topic: &str, messages: impl IntoIterator<Item = Vec<u8>>) {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", self.address())
            .set("enable.idempotence", "true")
            .set("compression.type", "snappy")
            .create()
            .unwrap();
        for message in messages {
            producer
                .send(BaseRecord::<(), _>::to(topic).payload(&message))
                .unwrap();
        }
        producer.flush(Duration::from_secs(60)).unwrap();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // A frozen one does not notice that it should end.
        if self.files.path().join("kafka.pid").exists() {
            self.thaw();
        }
        self.stop();
    }
}

/// Below the range from which outgoing connections take their ports, so that none of them takes this one, and another one for
/// each broker of this process. The broker's controller listens one port higher.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 4000).unwrap() * 2;
    let free = |last, port| TcpListener::bind((Ipv4Addr::new(127, 0, 0, last), port)).is_ok();
    std::iter::repeat_with(|| first + NEXT.fetch_add(2, Ordering::Relaxed))
        .take(1000)
        .find(|port| free(1, *port) && free(2, port + 1))
        .unwrap()
}

/// False, with a word why, if something is missing.
fn is_done(output: &Output) -> bool {
    if output.status.code() == Some(MISSING) {
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return false;
    }
    assert!(output.status.success(), "{output:?}");
    true
}

fn script() -> Command {
    let tree = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    Command::new(tree.join("../examples/local-stack/kafka.sh"))
}

/// A topic's name that no other test has.
#[must_use]
pub fn new_topic() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "metrics-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}
