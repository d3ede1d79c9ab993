//! The hand-off between Mesos' threads and the event loop, in thousands of orders of their steps: `make interleavings`.
//!
//! Core and loop are ours as they are, with shuttle's locks, channels and threads (`src/sync.rs`). A schedule that fails is
//! printed, and `shuttle::replay` repeats it.
#![cfg(shuttle)]
#![expect(clippy::unwrap_used, reason = "a test")]

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner, thread};
use stats_slave::Core;
use stats_slave::accounting::Accounting;
use stats_slave::container::{Container, ContainerId};
use stats_slave::parameters::{ParameterList, Parameters};
use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use tempfile::TempDir;

/// Of each of the two schedulers.
const SCHEDULES: usize = 500;

/// How often a thread may be interrupted for another in the second one: few faults need more.
const PREEMPTIONS: usize = 3;

fn check(test: fn()) {
    run(RandomScheduler::new(SCHEDULES), test);
    run(PctScheduler::new(PREEMPTIONS, SCHEDULES), test);
}

fn run(scheduler: impl Scheduler + 'static, test: fn()) {
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    // A schedule takes some hundred steps, unless the loop sleeps and nobody wakes it.
    config.max_steps = MaxSteps::FailAfter(100_000);
    Runner::new(scheduler, config).run(test);
}

struct Node {
    core: Core,
    state_dir: TempDir,
    _statsd: UdpSocket,
}

/// A core whose only output is a socket that nobody reads: what arrives is counted.
fn start(more: &[(&str, &str)]) -> Node {
    let state_dir = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let statsd = UdpSocket::bind("127.0.0.1:0").unwrap();
    let statsd_port = statsd.local_addr().unwrap().port().to_string();
    let mut pairs = vec![
        ("state_path_dir", state_dir.path().to_str().unwrap()),
        ("output_collector_enabled", "false"),
        ("output_statsd_enabled", "true"),
        ("output_statsd_host", "127.0.0.1"),
        ("output_statsd_port", &statsd_port),
        ("self_metrics_enabled", "false"),
    ];
    pairs.extend(more);
    let list = ParameterList::from_pairs(pairs).unwrap();
    let parameters = Parameters::from_list(&list).unwrap();
    Node {
        core: Core::start(&parameters).unwrap(),
        state_dir,
        _statsd: statsd,
    }
}

impl Node {
    /// The containers that have a state file.
    fn stored(&self) -> BTreeSet<String> {
        let containers = self.state_dir.path().join("containers");
        let names = fs::read_dir(containers).into_iter().flatten();
        names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// Ends the core; its books, which must balance.
    fn stop(self) -> Accounting {
        let accounting = self.core.shutdown().unwrap();
        assert_eq!(accounting.imbalances(), Vec::<String>::new());
        assert_eq!(accounting.panics, 0);
        accounting
    }
}

fn container(id: &str) -> Container {
    Container {
        id: ContainerId::new(id),
        framework_id: "f".to_owned(),
        executor_id: "e".to_owned(),
    }
}

/// A loopback address of this process, on which all ports are free.
fn own_address(last: u8) -> String {
    let [.., high, low] = std::process::id().to_be_bytes();
    format!("127.{}.{low}.{last}", high.max(1))
}

fn say(endpoint: SocketAddr) {
    let sender = UdpSocket::bind((endpoint.ip(), 0)).unwrap();
    sender.send_to(b"a:1|c", endpoint).unwrap();
}

#[test]
fn what_is_sent_before_the_end_is_heard() {
    check(|| {
        let node = start(&[]);
        thread::scope(|scope| {
            for id in ["a", "b"] {
                let core = &node.core;
                scope.spawn(move || {
                    let endpoint = core.register(&container(id)).unwrap();
                    say(endpoint);
                    core.usage(&container(id), 1, vec![("cpus".to_owned(), 1.0)]);
                    assert!(core.unregister(&ContainerId::new(id)));
                });
            }
            // Whoever asks is answered, in the middle of it all.
            scope.spawn(|| assert!(node.core.accounting().is_some()));
        });
        let now = node.core.accounting().unwrap();
        assert_eq!((now.endpoints_opened, now.endpoints_closed), (2, 2));
        assert_eq!(node.stored(), BTreeSet::new());
        let end = node.stop();
        assert_eq!((end.lines_received, end.lines_generated), (2, 2));
    });
}

#[test]
fn the_end_of_the_core_hears_what_was_sent() {
    check(|| {
        let node = start(&[]);
        thread::scope(|scope| {
            let core = &node.core;
            scope.spawn(|| say(core.register(&container("a")).unwrap()));
            scope.spawn(|| say(core.register(&container("b")).unwrap()));
        });
        assert_eq!(node.stored(), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        assert_eq!(node.stop().lines_received, 2);
    });
}

/// The port comes back when the loop has closed its socket, not before: nobody finds it free and cannot bind it.
#[test]
fn a_port_comes_back_closed() {
    check(|| {
        let node = start(&[
            ("listen_ip", &own_address(2)),
            ("listen_port_mode", "range"),
            ("listen_port_start", "20000"),
            ("listen_port_end", "20001"),
        ]);
        thread::scope(|scope| {
            for id in ["a", "b", "c"] {
                let core = &node.core;
                scope.spawn(move || match core.register(&container(id)) {
                    Ok(_) => assert!(core.unregister(&ContainerId::new(id))),
                    Err(error) => {
                        let error = error.to_string();
                        assert!(error.contains(", 0 are held by other programs"), "{error}");
                    }
                });
            }
        });
        node.core.accounting().unwrap();
        node.core.register(&container("next")).unwrap();
        node.stop();
    });
}

#[test]
fn containers_share_one_endpoint() {
    check(|| {
        let node = start(&[
            ("listen_ip", &own_address(3)),
            ("listen_port_mode", "single"),
            ("listen_port", "20000"),
        ]);
        thread::scope(|scope| {
            for id in ["a", "b"] {
                let core = &node.core;
                scope.spawn(move || {
                    say(core.register(&container(id)).unwrap());
                    assert!(core.unregister(&ContainerId::new(id)));
                });
            }
        });
        let end = node.stop();
        assert_eq!((end.endpoints_opened, end.lines_received), (1, 2));
    });
}

/// Mesos gives no id twice, but the Docker hook and a late clean-up may speak of one container at once.
#[test]
fn a_container_that_comes_and_goes_at_once_leaves_no_endpoint_behind() {
    check(|| {
        let node = start(&[]);
        let left: usize = thread::scope(|scope| {
            let core = &node.core;
            let threads = [(); 2].map(|()| {
                scope.spawn(|| {
                    core.register(&container("a")).unwrap();
                    usize::from(core.unregister(&ContainerId::new("a")))
                })
            });
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        let now = node.core.accounting().unwrap();
        assert_eq!(now.endpoints_opened, left as u64);
        assert_eq!(now.endpoints_closed, now.endpoints_opened);
        node.stop();
    });
}
