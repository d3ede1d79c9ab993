//! Containers that come and go leave nothing behind.

use crate::allocations;
use crate::node::{Node, container};
use std::fs;
use std::net::UdpSocket;

const REGISTRATIONS: usize = 10_000;
const WARM_UP: usize = 2_000;

/// Containers there are at a time.
const ALIVE: usize = 50;

/// Buffers still grow now and then, but a single id kept for each container after the warm-up would be more.
const GROWTH_BYTES: usize = 128 << 10;

/// Resident memory also grows with pages that the allocator has not used before.
const GROWTH_RESIDENT_KBYTES: u64 = 1024;

/// What the process holds.
#[derive(Debug)]
struct Held {
    heap_bytes: usize,
    resident_kbytes: u64,
    descriptors: usize,
    /// Threads of cores: the test's own come and go as the harness likes.
    threads: usize,
}

fn held() -> Held {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    let is_of_core = |task: &fs::DirEntry| {
        // A thread that ends meanwhile is none of them.
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("stats-"))
    };
    Held {
        heap_bytes: allocations::held_bytes(),
        resident_kbytes: resident.unwrap().parse().unwrap(),
        descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
        threads: fs::read_dir("/proc/self/task")
            .unwrap()
            .filter(|task| is_of_core(task.as_ref().unwrap()))
            .count(),
    }
}

#[test]
fn containers_that_come_and_go_leave_nothing_behind() {
    let node = Node::start();
    let task = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut sent = 0;
    let mut warm = None;
    for number in 0..REGISTRATIONS {
        let endpoint = node.core.register(&container(number)).unwrap();
        for line in ["requests.latency:12.5|ms", "requests:1|c|#code:200,verb:get"] {
            task.send_to(line.as_bytes(), endpoint).unwrap();
            sent += 1;
        }
        if number >= ALIVE {
            assert!(node.core.unregister(&container(number - ALIVE).id));
        }
        if number + 1 == WARM_UP || number + 1 == REGISTRATIONS {
            node.wait("the last container that left", |accounting| {
                // What is sent is kept as long as the collector, which says nothing, might be one that acknowledges.
                let forwarded = accounting.collector_output.as_ref().unwrap().bytes_forwarded;
                accounting.endpoints_closed == (number + 1 - ALIVE) as u64 && forwarded > 0
            });
            let now = held();
            if let Some(before) = warm.replace(now) {
                compare(&before, warm.as_ref().unwrap());
            }
        }
    }
    for number in REGISTRATIONS - ALIVE..REGISTRATIONS {
        assert!(node.core.unregister(&container(number).id));
    }
    node.wait(
        "every datagram, though its container left at once",
        |accounting| {
            accounting.endpoints_closed == REGISTRATIONS as u64 && accounting.datagrams_received == sent
        },
    );
    node.stop();
}

fn compare(before: &Held, after: &Held) {
    assert_eq!(before.descriptors, after.descriptors, "{before:?} {after:?}");
    assert_eq!((before.threads, after.threads), (1, 1), "{before:?} {after:?}");
    assert!(
        after.heap_bytes < before.heap_bytes + GROWTH_BYTES
            && after.resident_kbytes < before.resident_kbytes + GROWTH_RESIDENT_KBYTES,
        "after {} registrations more: {before:?} {after:?}",
        REGISTRATIONS - WARM_UP
    );
}
