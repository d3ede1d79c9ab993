//! A core to which nobody sends sleeps.

use crate::node::{Node, container};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// Looked at this long at a time; a wake-up a second is allowed (the agent's machine may have a hundred such loops).
const WINDOW: Duration = Duration::from_secs(3);

/// The collector's first word, and the last of what the start left to do, may wake the loop a few times more.
const WINDOWS: u32 = 5;

/// How often the loop's thread has gone to sleep.
fn sleeps() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let mut paths = tasks.map(|task| task.unwrap().path());
    let of_loop = paths.find(|task| {
        // The kernel keeps 15 characters of a name.
        fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "stats-io-servic")
    });
    let status = fs::read_to_string(of_loop.unwrap().join("status")).unwrap();
    let count = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.unwrap().trim().parse().unwrap()
}

#[test]
fn it_wakes_once_a_second_at_most() {
    let node = Node::start();
    for number in 0..100 {
        node.core.register(&container(number)).unwrap();
    }
    let mut seen = Vec::new();
    for _ in 0..WINDOWS {
        let (start, before) = (Instant::now(), sleeps());
        thread::sleep(WINDOW);
        let woken = sleeps() - before;
        if woken <= start.elapsed().as_secs() {
            return node.stop_unused();
        }
        seen.push(woken);
    }
    panic!("woken {seen:?} times in {WINDOW:?} each");
}
