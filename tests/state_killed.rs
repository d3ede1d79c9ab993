//! A process that is killed at any moment leaves a state directory that is whole.

use stats_slave::container::{Container, ContainerId};
use stats_slave::state::{StateCache, StoredEndpoint};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const KILLS: u32 = 50;
const CONTAINERS: u16 = 8;
const WRITER: &str = "writes_until_it_is_killed";
const DIRECTORY: &str = "DCOS_STATS_TEST_STATE_DIRECTORY";

/// What the writer stores: the size varies, and every part tells the round.
fn stored(container: u16, round: u16) -> StoredEndpoint {
    let port = 1 + container + CONTAINERS * round;
    let container = Container {
        id: ContainerId::new(format!("c{container}")),
        framework_id: String::new(),
        executor_id: port.to_string().repeat(10_000 + usize::from(round)),
    };
    StoredEndpoint {
        container,
        host: format!("host-{port}"),
        port,
        sandbox: String::new(),
    }
}

/// Not a test of its own: the process that the test below starts. It does nothing when run by hand.
#[test]
fn writes_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let cache = StateCache::new(directory);
    cache.load();
    // A thread for each container, so that the signal always meets some of them in the middle of their work.
    std::thread::scope(|scope| {
        for container in 0..CONTAINERS {
            let cache = &cache;
            scope.spawn(move || {
                for round in (0..100).cycle() {
                    let stored = stored(container, round);
                    cache.add(&stored).unwrap();
                    if (container + round) % 3 == 0 {
                        assert!(cache.remove(&stored.container.id).unwrap());
                    }
                    if container == 0 {
                        // Not println!, which the test harness captures.
                        writeln!(io::stdout(), "stored").unwrap();
                    }
                }
            });
        }
    });
}

#[test]
fn killed_at_any_moment() {
    let names_in = |directory: &Path| -> BTreeSet<String> {
        fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    // In memory, where that is present, as in operation: there the writer is writing most of the time, not waiting for a disk.
    let root = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let mut left_over = 0;
    for kill in 0..KILLS {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", WRITER, "--nocapture"])
            .env(DIRECTORY, root.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut progress = BufReader::new(writer.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        assert!(
            progress.any(|line| line.ends_with("stored")),
            "the writer ended by itself"
        );
        // The moment of the signal is this test's input, so it is time that is waited for, not an event.
        let moment = Instant::now() + Duration::from_micros(97) * kill;
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();

        left_over += names_in(root.path()).len() - 1;
        let loaded = StateCache::new(root.path()).load();
        for one in &loaded {
            let (container, round) = ((one.port - 1) % CONTAINERS, (one.port - 1) / CONTAINERS);
            assert_eq!(*one, stored(container, round));
        }
        assert_eq!(names_in(&root.path().join("containers")).len(), loaded.len());
        assert!(
            names_in(root.path()).iter().eq(["containers"]),
            "nothing was unreadable, nothing is left over"
        );
    }
    println!("{left_over} of {KILLS} kills left a temporary file");
}
