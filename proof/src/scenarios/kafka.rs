//! Faults of Kafka, and of who reads from it.

use super::{Outcome, Scale, finish, nothing_missing, quiet};
use crate::Failure;
use crate::clock::pause;
use crate::path::{Path, Plan};
use stats_kafka::local::Broker;

fn launch() -> Result<(Plan, Broker), Outcome> {
    let broker = Broker::launch().ok_or_else(|| Outcome::Skipped("Java or Maven is missing".to_owned()))?;
    let plan = Plan {
        brokers: Some(broker.address()),
        ..Plan::default()
    };
    Ok((plan, broker))
}

pub(super) fn stopped(scale: Scale) -> Result<Outcome, Failure> {
    let (mut plan, broker) = match launch() {
        Ok(launched) => launched,
        Err(skipped) => return Ok(skipped),
    };
    // In half a minute more comes than this and the 4 MiB that the client may have, so that something is dropped.
    let small = ["--kafka-queue-kbytes=64", "--kafka-max-message-bytes=16384"];
    plan.collector.extend(small.map(str::to_owned));
    plan.datagrams_per_second = scale.of(50, 150);
    let mut path = Path::start(plan)?;
    path.wait_for_arrivals()?;
    quiet(scale)?;
    path.consumer_cut_off();
    broker.stop();
    pause(scale.seconds(3, 30))?;
    broker.start();
    path.wait_for_arrivals()?;
    quiet(scale)?;
    finish(path, |identity, evidence| {
        let dropped = evidence.collectors.iter().filter_map(|collector| {
            let sink = collector.sinks.get("kafka")?;
            sink.datapoints_dropped.get("queue_full").copied()
        });
        let dropped = dropped.sum();
        let what = "numbers dropped because the queue for Kafka was full";
        identity.add(what, dropped, scale.of(0, 1)..=u64::MAX);
    })
}

pub(super) fn consumer_killed(scale: Scale) -> Result<Outcome, Failure> {
    let (plan, _broker) = match launch() {
        Ok(launched) => launched,
        Err(skipped) => return Ok(skipped),
    };
    let mut path = Path::start(plan)?;
    for _ in 0..scale.of(1, 5) {
        path.wait_for_arrivals()?;
        quiet(scale)?;
        path.restart_consumer()?;
    }
    path.wait_for_arrivals()?;
    quiet(scale)?;
    finish(path, nothing_missing)
}
