//! A panic inside the core: the host lives, the loop goes on, and it is counted.

use log::{LevelFilter, Log, Metadata, Record};
use stats_slave::Core;
use stats_slave::container::{Container, ContainerId};
use stats_slave::parameters::{ParameterList, Parameters};
use std::net::UdpSocket;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A host's logger with a fault: the loop calls it in the middle of its work.
struct FaultyLog;

static PANICS_LEFT: AtomicU32 = AtomicU32::new(2);

impl Log for FaultyLog {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let fault = record
            .args()
            .to_string()
            .starts_with("Throughput from container at port");
        if fault
            && PANICS_LEFT
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok()
        {
            panic!("the logger's fault, which this test wants");
        }
    }

    fn flush(&self) {}
}

#[test]
fn the_loop_survives_a_panic_with_its_sockets() {
    log::set_logger(&FaultyLog).unwrap();
    log::set_max_level(LevelFilter::Debug);
    let state_dir = tempfile::tempdir().unwrap();
    let pairs = [
        ("container_limit_period_secs", "1"),
        ("output_statsd_enabled", "true"),
        ("output_statsd_host", "127.0.0.1"),
        ("state_path_dir", state_dir.path().to_str().unwrap()),
    ];
    let list = ParameterList::from_pairs(pairs).unwrap();
    let core = Core::start(&Parameters::from_list(&list).unwrap()).unwrap();
    let id = ContainerId::new("c");
    let container = Container {
        id,
        framework_id: "f".to_owned(),
        executor_id: "e".to_owned(),
    };
    let endpoint = core.register(&container).unwrap();

    let task = UdpSocket::bind("127.0.0.1:0").unwrap();
    let start = Instant::now();
    let mut sent = 0;
    while core.accounting().is_none_or(|now| now.panics < 2) {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the core did not come back"
        );
        task.send_to(b"a:1|c", endpoint).unwrap();
        sent += 1;
        std::thread::sleep(Duration::from_millis(5));
    }
    task.send_to(b"a:1|c", endpoint).unwrap();
    let accounting = core.shutdown().unwrap();
    assert_eq!(accounting.imbalances(), Vec::<String>::new());
    assert_eq!((accounting.panics, accounting.lines_received), (2, sent + 1));
}
