//! The module in a real Mesos: master, agent and collector on loopback, tasks by `mesos-execute`. Without Mesos each test says
//! that it was skipped.
#![expect(clippy::unwrap_used, reason = "a test")]

mod churn;
mod docker;
mod lifetime;
mod lines;
mod mesos;
mod node;
mod parameters;
mod restart;
mod sockets;
mod sweeper;
mod task;
mod task_group;
mod two_tasks;
mod usage;

use std::path::Path;
use std::time::{Duration, Instant};

/// How long anything may take before the test fails; much more than it takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for what no event tells: a file, a socket of another process.
fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The names of the files in a directory, sorted; none if there is no such directory.
fn file_names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
