//! Parameters that can't be right end the agent at its start, with a line that says why.

use crate::mesos::Mesos;
use crate::node::{modules_json, refused};
use serde_json::json;

#[test]
fn that_are_wrong_are_refused_with_a_line() {
    let Some(mesos) = Mesos::find() else { return };
    for (key, value, expected) in [
        ("listen_interfac", "lo", "listen_interface"),
        ("listen_port_mode", "sometimes", "ephemeral"),
        ("output_collector_port", "65536", "65535"),
        ("listen_interface", "nosuch0", "nosuch0"),
    ] {
        let (status, log) = refused(mesos, &[], |directory| {
            modules_json(&mesos.module, directory, &[(key, value)])
        });
        assert!(!status.success(), "{key}={value}");
        let line = log
            .iter()
            .find(|line| line.contains(key) && line.contains(value) && line.contains(expected));
        assert!(line.is_some(), "{key}={value} gives\n{}", log.join("\n"));
    }
}

#[test]
fn that_contradict_those_of_another_module_are_refused() {
    let Some(mesos) = Mesos::find() else { return };
    let (status, log) = refused(mesos, &["--hooks=com_mesosphere_StatsEnvHook"], |directory| {
        let mut modules = modules_json(&mesos.module, directory, &[]);
        let list = &mut modules["libraries"][0]["modules"];
        list[2]["parameters"] = json!([{"key": "listen_interface", "value": "other"}]);
        modules
    });
    assert!(!status.success());
    assert!(
        log.iter()
            .any(|line| line.contains("listen_interface") && line.contains("other")),
        "{}",
        log.join("\n")
    );
}

#[test]
fn a_second_library_of_the_same_modules_is_refused() {
    let Some(mesos) = Mesos::find() else { return };
    let (status, log) = refused(mesos, &[], |directory| {
        let copy = directory.join("libmetrics-module.so");
        std::fs::copy(&mesos.module, &copy).unwrap();
        let mut modules = modules_json(&mesos.module, directory, &[]);
        let second = json!({"file": copy, "modules": [{"name": "com_mesosphere_MetricsIsolatorModule"}]});
        modules["libraries"].as_array_mut().unwrap().push(second);
        modules
    });
    assert!(!status.success());
    assert!(
        log.iter().any(|line| line.contains("libmetrics-module.so")),
        "{}",
        log.join("\n")
    );
}
