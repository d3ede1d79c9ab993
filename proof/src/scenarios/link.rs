//! A bad link to Kafka: everything runs in a network namespace of its own, whose loopback interface delays and loses what
//! goes to and from the broker's port.

use super::{Outcome, Scale, finish, nothing_missing, quiet};
use crate::Failure;
use crate::clock::pause;
use crate::path::{Path, Plan};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use stats_kafka::local::Broker;
use std::fs::File;
use std::os::fd::AsFd;
use std::process::Command;

pub(super) fn slow(scale: Scale) -> Result<Outcome, Failure> {
    // From inside, nothing can be fetched.
    if !Broker::fetch() {
        return Ok(Outcome::Skipped("Java or Maven is missing".to_owned()));
    }
    let namespace = match Namespace::add() {
        Ok(namespace) => namespace,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    // A thread enters for good, and so does what it starts.
    let inside = std::thread::scope(|scope| {
        let run = || {
            namespace.enter()?;
            run(scale)
        };
        scope.spawn(run).join()
    });
    inside.map_err(|_| "the run in the namespace panicked".to_owned())?
}

fn run(scale: Scale) -> Result<Outcome, Failure> {
    let Some(broker) = Broker::launch() else {
        return Ok(Outcome::Skipped("Java or Maven is missing".to_owned()));
    };
    let mut path = Path::start(Plan {
        brokers: Some(broker.address()),
        ..Plan::default()
    })?;
    path.wait_for_arrivals()?;
    quiet(scale)?;
    path.consumer_cut_off();
    let how = spoil(broker.address().rsplit(':').next().unwrap_or_default())?;
    pause(scale.seconds(5, 30))?;
    path.wait_for_arrivals()?;
    let lost = lost()?;
    command("tc", "qdisc del dev lo root")?;
    quiet(scale)?;
    finish(path, |identity, evidence| {
        identity.add(&format!("packets lost, {how}"), lost, 1..=u64::MAX);
        nothing_missing(identity, evidence);
    })
}

/// Spoils the link; in which way, for not every kernel has netem: then a queue that is short and slow does both.
fn spoil(port: &str) -> Result<&'static str, Failure> {
    command("tc", "qdisc add dev lo root handle 1: htb default 1")?;
    command(
        "tc",
        "class add dev lo parent 1: classid 1:1 htb rate 10gbit quantum 60000",
    )?;
    let netem = command(
        "tc",
        "class add dev lo parent 1: classid 1:2 htb rate 10gbit quantum 60000",
    )
    .and_then(|_| {
        command(
            "tc",
            "qdisc add dev lo parent 1:2 handle 20: netem delay 50ms 20ms loss 3%",
        )
    });
    let how = if netem.is_ok() {
        "netem: 50 ms and 3 %"
    } else {
        command(
            "tc",
            "class change dev lo parent 1: classid 1:2 htb rate 1mbit burst 2k quantum 2000",
        )?;
        command("tc", "qdisc add dev lo parent 1:2 handle 20: pfifo limit 4")?;
        "no netem here, 1 Mbit/s and 4 packets of queue"
    };
    for end in ["sport", "dport"] {
        let filter =
            format!("filter add dev lo parent 1: protocol ip u32 match ip {end} {port} 0xffff flowid 1:2");
        command("tc", &filter)?;
    }
    Ok(how)
}

/// How many packets the spoiled link has lost so far.
fn lost() -> Result<u64, Failure> {
    let statistics = command("tc", "-s qdisc show dev lo")?;
    let own = statistics.split_once(" 20: ").map_or("", |(_, own)| own);
    let dropped = own
        .split_once("(dropped ")
        .and_then(|(_, rest)| rest.split_once(','));
    dropped
        .and_then(|(count, _)| count.parse().ok())
        .ok_or_else(|| format!("tc does not say how many packets it dropped: {statistics}"))
}

/// A network namespace with a name. Deleted when dropped.
struct Namespace(String);

impl Namespace {
    fn add() -> Result<Self, Failure> {
        let name = format!("dcos-stats-proof-{}", std::process::id());
        command("ip", &format!("netns add {name}"))
            .map_err(|error| format!("no network namespace, which takes root: {error}"))?;
        let namespace = Self(name);
        command("ip", &format!("-n {} link set lo up", namespace.0))?;
        Ok(namespace)
    }

    fn enter(&self) -> Result<(), Failure> {
        let path = format!("/run/netns/{}", self.0);
        let file = File::open(&path).map_err(|error| format!("{path}: {error}"))?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|error| format!("cannot enter {path}: {error}"))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = command("ip", &format!("netns del {}", self.0));
    }
}

/// What a command prints.
fn command(program: &str, arguments: &str) -> Result<String, Failure> {
    let output = Command::new(program)
        .args(arguments.split(' '))
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {arguments}: {}", error.trim()))
}
