//! Each fault for some seconds; `make faults` takes its time.

#![allow(clippy::unwrap_used)]

use stats_proof::scenarios::{Outcome, SCENARIOS, Scale, scenario};
use std::process::Command;
use std::sync::OnceLock;

/// Runs a scenario with the programs as they are in the tree now: those of other packages, cargo does not build for a test.
fn hold(name: &str) {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--bins"]);
        for package in ["dcos-stats-collector", "dcos-stats-consumer", "dcos-stats-proof"] {
            cargo.args(["-p", package]);
        }
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success());
    });
    match scenario(name).unwrap().run(Scale::Short) {
        Ok(Outcome::Held(identity)) => eprintln!("{name}\n{identity}"),
        Ok(Outcome::Skipped(why)) => eprintln!("skipped: {name}: {why}"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn collector_killed() {
    hold("collector-killed");
}

#[test]
fn collector_frozen() {
    hold("collector-frozen");
}

#[test]
fn garbage_for_the_collector() {
    hold("garbage");
}

#[test]
fn node_killed() {
    hold("node-killed");
}

#[test]
fn disk_of_the_state_directory_full() {
    hold("disk-full");
}

#[test]
fn names_not_resolved() {
    hold("names-gone");
}

#[test]
fn a_container_floods() {
    hold("flood");
}

#[test]
fn kafka_stopped() {
    hold("kafka-stopped");
}

#[test]
fn consumer_killed() {
    hold("consumer-killed");
}

#[test]
fn link_to_kafka_slow() {
    hold("slow-link");
}

#[test]
fn name_server_stopped() {
    hold("name-server-stopped");
}

#[test]
fn every_scenario_is_here() {
    let here = include_str!("faults.rs");
    let missing: Vec<_> = SCENARIOS
        .iter()
        .map(|scenario| scenario.name)
        .filter(|name| !here.contains(&format!("hold(\"{name}\")")))
        .collect();
    assert_eq!(missing, [""; 0]);
}
