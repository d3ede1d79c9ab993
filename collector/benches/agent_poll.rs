//! What a poll of an agent with 200 containers costs: CPU time from the bytes of the three answers to state and lists,
//! and the share of a core that this is when it is done every 15 s. The baseline is parsing the same bytes to a
//! `serde_json::Value`, which understands nothing yet. And what a look at this machine costs, for host metrics, which depends on
//! how many processes, filesystems and interfaces it has.
//!
//! `cargo bench -p dcos-stats-collector --bench agent_poll [-- CONTAINERS]`

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use stats_collector::agent::{AgentApi, AgentState, LabelChoice, containers, snapshot};
use stats_collector::sources::HostMetrics;
use std::error::Error;
use std::hint::black_box;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Polls measured in one go, and how often; the fastest counts, the others were disturbed.
const POLLS: u32 = 20;
const ROUNDS: u32 = 5;

/// Looks at the machine.
const HOST_POLLS: u32 = 100;

/// Time between them: more than either thread needs, so that both poll as often.
const HOST_PERIOD: Duration = Duration::from_millis(20);

/// Seconds between polls, as by default.
const PERIOD: f64 = 15.0;

fn main() -> Result<(), Box<dyn Error>> {
    let number = std::env::args().skip(1).find(|argument| argument != "--bench");
    let number = number.map_or(Ok(200), |text| text.parse())?;
    let answers = [
        state(number)?,
        include_str!("../tests/agent/metrics-snapshot.json").to_owned(),
        statistics(number)?,
    ];
    let bytes: usize = answers.iter().map(String::len).sum();
    let values = poll(&answers)?;
    println!("{number} containers, {bytes} bytes, {values} values a poll");
    println!("{:<28} {:>12} {:>18}", "", "ms a poll", "% of a core, 15 s");
    let ours = measure(|| poll(&answers).map(|_| ()))?;
    let baseline = measure(|| {
        for answer in &answers {
            black_box(serde_json::from_str::<Value>(answer)?);
        }
        Ok(())
    })?;
    for (name, milliseconds) in [("serde_json::Value only", baseline), ("poll", ours)] {
        println!(
            "{name:<28} {milliseconds:>12.2} {:>18.4}",
            milliseconds / 10.0 / PERIOD
        );
    }
    println!("ratio {:.2}", ours / baseline);
    let host = host_poll()?;
    println!(
        "{:<28} {host:>12.2} {:>18.4}",
        "host metrics",
        host / 10.0 / PERIOD
    );
    Ok(())
}

/// The CPU time that a look at system and filesystems takes, in milliseconds.
fn host_poll() -> Result<f64, Box<dyn Error>> {
    let (lists, polled) = channel();
    // Two threads poll, and each is one half of it.
    let host = HostMetrics::start(HOST_PERIOD, "agent", None, move |_| lists.send(()).is_ok())?;
    polled.recv()?;
    let start = cpu_time();
    for _ in 0..2 * HOST_POLLS {
        polled.recv()?;
    }
    let spent = cpu_time() - start;
    drop(host);
    Ok(spent.as_secs_f64() * 1e3 / f64::from(HOST_POLLS))
}

/// Does what a poll does with its answers; how many values there were.
fn poll([state, metrics, statistics]: &[String; 3]) -> Result<u64, Box<dyn Error>> {
    let choice = LabelChoice {
        names: Vec::new(),
        prefix: "DCOS_METRICS_".to_owned(),
    };
    let (state, skipped) = AgentState::parse(AgentApi::Rest, state, None, &choice)?;
    let metrics = snapshot(AgentApi::Rest, metrics, "agent", 0)?;
    let containers = containers(AgentApi::Rest, statistics, Some(&state))?;
    if skipped.count + containers.skipped.count + containers.unsupported > 0 {
        return Err("something of the answers was left out".into());
    }
    let values = metrics.values + containers.values;
    black_box((state, metrics, containers));
    Ok(values)
}

/// The CPU time of one poll, in milliseconds.
fn measure(mut poll: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = cpu_time();
        for _ in 0..POLLS {
            poll()?;
        }
        best = best.min(cpu_time() - start);
    }
    Ok(best.as_secs_f64() * 1e3 / f64::from(POLLS))
}

/// The real answer with its Marathon task again and again.
fn state(number: usize) -> Result<String, Box<dyn Error>> {
    let mut state: Value = serde_json::from_str(include_str!("../tests/agent/state.json"))?;
    let executor = state["frameworks"][1]["executors"][0].to_string();
    let executors: Result<Vec<Value>, _> = (0..number)
        .map(|number| {
            serde_json::from_str(
                &executor
                    .replace("5f9c2f2e", &id(number))
                    .replace("3007473b", &id(number)),
            )
        })
        .collect();
    state["frameworks"][1]["executors"] = Value::from(executors?);
    Ok(state.to_string())
}

/// The real answer with its Marathon task again and again, on a disk that counts reads and writes, and with a network.
fn statistics(number: usize) -> Result<String, Box<dyn Error>> {
    let mut answer: Value = serde_json::from_str(include_str!("../tests/agent/containers.json"))?;
    let operations = json!([{"op": "READ", "value": 123_456}, {"op": "WRITE", "value": 7}, {"op": "TOTAL", "value": 123_463}]);
    let device = json!({"device": {"major_number": 8, "minor_number": 0}, "io_serviced": operations,
        "io_service_bytes": operations});
    let entry = &mut answer[1];
    entry["statistics"]["blkio_statistics"]["throttling"] = json!([device, {"io_serviced": operations}]);
    let names = [
        "Errors",
        "Rejects",
        "Sent",
        "Received",
        "Dropped",
        "Retransmitted",
        "Opened",
        "Closed",
    ];
    let group: Value = names
        .iter()
        .map(|name| ((*name).to_owned(), json!(98_765)))
        .collect();
    entry["statistics"]["net_snmp_statistics"] =
        json!({"ip_stats": group, "tcp_stats": group, "udp_stats": group});
    let entry = entry.to_string();
    let entries: Result<Vec<Value>, _> = (0..number)
        .map(|number| {
            serde_json::from_str(
                &entry
                    .replace("5f9c2f2e", &id(number))
                    .replace("3007473b", &id(number)),
            )
        })
        .collect();
    Ok(Value::from(entries?).to_string())
}

fn id(number: usize) -> String {
    format!("{number:08x}")
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
