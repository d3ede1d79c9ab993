//! Garbage and floods: nobody else suffers.

use crate::node::{Records, accept, container, start, task, wait};
use std::sync::atomic::{AtomicBool, Ordering};

const QUIET: (&str, &str) = ("self_metrics_enabled", "false");

#[test]
fn any_bytes_are_survived_and_cost_the_neighbours_nothing() {
    let node = start(&[QUIET]);
    let mut records = Records::of(accept(&node.collector));
    let noisy = task(node.core.register(&container("noisy")).unwrap());
    let good = task(node.core.register(&container("good")).unwrap());
    let everything: Vec<u8> = (0..=255).collect();
    for garbage in [
        &b""[..],
        b"\n\n\r\n",
        b"\xff\xfe:1|c",
        &everything,
        &[b'x'; 65_000],
        b"_e{9,9}:",
        b"_sc|",
        b"|||::",
    ] {
        noisy.send(garbage).unwrap();
    }
    wait(&node.core, "the noise", |now| now.datagrams_received == 8);
    good.send(b"good:1|c").unwrap();
    let lists = records.until(|lists| {
        lists
            .iter()
            .any(|list| list.datapoints.iter().any(|d| d.name == "good"))
    });
    assert!(lists.iter().any(|list| {
        list.datapoints
            .iter()
            .any(|d| d.name == "\u{fffd}\u{fffd}" && d.value == 1.0)
    }));
    let accounting = node.stop();
    let collector = accounting.collector_output.unwrap();
    assert_eq!(
        (accounting.panics, collector.events, collector.service_checks),
        (0, 1, 1)
    );
    assert!(collector.lines_not_utf8 >= 2, "{collector:?}");
}

#[test]
fn one_flooding_container_does_not_silence_another() {
    // metrics-vectors.md 25.8
    let node = start(&[
        QUIET,
        ("output_collector_enabled", "false"),
        ("container_limit_amount_kbytes", "1"),
    ]);
    let flooding = task(node.core.register(&container("flooding")).unwrap());
    let quiet = task(node.core.register(&container("quiet")).unwrap());
    let done = AtomicBool::new(false);
    let mut heard = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // A full buffer may refuse a datagram.
                let _ = flooding.send(&[b'f'; 1000]);
            }
        });
        wait(&node.core, "the flood", |now| now.datagrams_throttled > 10_000);
        for number in 0..100 {
            quiet.send(format!("q{number}:1|c").as_bytes()).unwrap();
        }
        while heard < 100 {
            heard += node
                .statsd_lines(1)
                .iter()
                .filter(|line| line.starts_with('q'))
                .count();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(heard, 100);
    let accounting = node.stop();
    assert_eq!(
        accounting.datagrams_throttled + 102,
        accounting.datagrams_received
    );
}

#[test]
fn what_the_kernel_drops_is_counted() {
    let node = start(&[QUIET, ("listen_receive_buffer_kbytes", "4")]);
    let sender = task(node.core.register(&container("c")).unwrap());
    let mut sent = 0;
    // The loop gathers for a millisecond; meanwhile more comes than so small a buffer holds.
    let accounting = wait(&node.core, "a drop", |now| {
        for _ in 0..1000 {
            sender.send(&[b'x'; 1000]).unwrap();
            sent += 1;
        }
        now.kernel_drops > 0
    });
    assert!(accounting.kernel_drops > 0);
    let accounting = node.stop();
    assert_eq!(accounting.datagrams_received + accounting.kernel_drops, sent);
}

#[test]
fn a_line_of_many_values_behind_long_tags_stays_small() {
    // 64,997 bytes that would become half a gigabyte: each of 16,301 values repeats 32 KiB of tags.
    let node = start(&[QUIET]);
    let mut records = Records::of(accept(&node.collector));
    let sender = task(node.core.register(&container("c")).unwrap());
    let line = format!("a{}|g|#{}", ":1".repeat(16_301), "t".repeat(32_390));
    sender.send(line.as_bytes()).unwrap();
    sender.send(b"after:1|c").unwrap();
    records.until(|lists| lists.iter().any(|list| list.datapoints[0].name == "after"));
    let collector = node.stop().collector_output.unwrap();
    assert_eq!(collector.datapoints + collector.values_over_limit, 16_302);
    assert_eq!(collector.datapoints_forwarded, collector.datapoints);
    assert!(collector.bytes_forwarded < 2 << 20, "{collector:?}");
}
