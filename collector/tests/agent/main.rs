//! The agent poller against servers that behave and servers that do not, and against a real Mesos agent.

#![allow(clippy::unwrap_used)]

#[path = "../http/client.rs"]
#[allow(dead_code)]
mod client;
mod hostile;
mod http;
mod mesos;
mod poller;
#[path = "../running/mod.rs"]
mod running;
mod server;
mod tls;

use clap::Parser;
use stats_collector::agent::{AgentCounters, AgentOptions, AgentSettings, AgentState, Poller, PollerHandle};
use stats_schema::MetricList;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long an event that must come is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    agent: AgentOptions,
}

fn settings(arguments: &[&str]) -> AgentSettings {
    let program = Program::parse_from(["program"].iter().chain(arguments));
    program.agent.settings().unwrap().unwrap()
}

/// A poller and what it hands over. The receivers are disconnected when its thread has ended.
struct Polled {
    handle: PollerHandle,
    lists: Receiver<Vec<MetricList>>,
    states: Receiver<Arc<AgentState>>,
    counters: Arc<AgentCounters>,
}

fn poll(arguments: &[&str]) -> Polled {
    let counters = Arc::<AgentCounters>::default();
    let (list_sender, lists) = channel();
    let (state_sender, states) = channel();
    let handle = Poller::start(
        settings(arguments),
        Arc::clone(&counters),
        move |lists| list_sender.send(lists).is_ok(),
        move |state| drop(state_sender.send(state)),
    );
    Polled {
        handle: handle.unwrap(),
        lists,
        states,
        counters,
    }
}
