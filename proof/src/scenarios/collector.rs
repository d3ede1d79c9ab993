//! Faults of the collector, and of those that send to it.

use super::{Outcome, Scale, finish, nothing_missing, quiet, with_kafka};
use crate::Failure;
use crate::clock::pause;
use crate::identity::sum;
use crate::path::Path;
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

pub(super) fn killed(scale: Scale) -> Result<Outcome, Failure> {
    let (plan, _broker) = with_kafka(scale);
    let mut path = Path::start(plan)?;
    for kill in 0..scale.of(2, 10) {
        path.wait_for_arrivals()?;
        pause(scale.seconds(1, 3))?;
        if kill % 2 == 1 {
            // So that it dies with blocks in its sockets that it has not acknowledged.
            path.freeze_collector(Duration::from_millis(500))?;
        }
        path.restart_collector()?;
    }
    path.wait_for_arrivals()?;
    quiet(scale)?;
    finish(path, |_, _| ())
}

pub(super) fn frozen(scale: Scale) -> Result<Outcome, Failure> {
    let (mut plan, _broker) = with_kafka(scale);
    // Less than what comes meanwhile, so that something is dropped.
    let queue = ("output_collector_queue_kbytes".to_owned(), "256".to_owned());
    plan.parameters.push(queue);
    let path = Path::start(plan)?;
    path.wait_for_arrivals()?;
    path.freeze_collector(scale.seconds(5, 20))?;
    path.wait_for_arrivals()?;
    quiet(scale)?;
    finish(path, |identity, evidence| {
        let dropped = &evidence.node.collector_output.datapoints_dropped;
        let full = dropped.get("queue_full").copied().unwrap_or_default();
        identity.add(
            "numbers dropped because the module's queue was full",
            full,
            1..=u64::MAX,
        );
        identity.equal("numbers dropped by the module for any reason", sum(dropped), full);
    })
}

pub(super) fn garbage(scale: Scale) -> Result<Outcome, Failure> {
    let (plan, _broker) = with_kafka(scale);
    let path = Path::start(plan)?;
    path.wait_for_arrivals()?;
    let port = path.port();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for seed in 1..=2 {
            let stop = &stop;
            scope.spawn(move || {
                let mut random = seed;
                while !stop.load(Ordering::Relaxed) {
                    send_garbage(port, &mut random);
                }
            });
        }
        let paused = pause(scale.seconds(3, 20));
        stop.store(true, Ordering::Relaxed);
        paused
    })?;
    path.wait_for_arrivals()?;
    finish(path, |identity, evidence| {
        let closed: u64 = evidence
            .collectors
            .iter()
            .map(|collector| sum(&collector.connections_failed))
            .sum();
        identity.add("connections closed because of what came", closed, 1..=u64::MAX);
        nothing_missing(identity, evidence);
    })
}

/// One connection: now and then with a beginning that makes sense, and a length that does not.
fn send_garbage(port: u16, random: &mut u64) {
    let mut next = || {
        // Xorshift; the same garbage in every run.
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        *random
    };
    let mut bytes: Vec<u8> = match next() % 3 {
        0 => b"Obj\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(),
        1 => b"Obj\x01\x02\x16avro.schema\x06{".to_vec(),
        _ => Vec::new(),
    };
    bytes.extend((0..1000).flat_map(|_| next().to_le_bytes()));
    // Being refused, or cut off in the middle, is what it deserves.
    if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
        let _ = stream.write_all(&bytes);
    }
    thread::sleep(Duration::from_millis(next() % 20));
}
