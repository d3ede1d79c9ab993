//! One fault each, while tasks send, and the sums at the end.

mod collector;
mod elsewhere;
mod kafka;
mod link;
mod node;
mod tasks;

use crate::Failure;
use crate::clock::pause;
use crate::identity::{Evidence, Identity};
use crate::path::{Path, Plan};
use stats_kafka::local::Broker;
use std::time::Duration;

/// How long a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Some seconds, for a test.
    Short,
    /// What the guarantees are shown with.
    Long,
}

impl Scale {
    /// One of two durations in seconds.
    #[must_use]
    pub fn seconds(self, short: u64, long: u64) -> Duration {
        Duration::from_secs(self.of(short, long))
    }

    /// One of two numbers.
    #[must_use]
    pub fn of<T>(self, short: T, long: T) -> T {
        match self {
            Self::Short => short,
            Self::Long => long,
        }
    }
}

/// What became of a scenario.
#[derive(Debug)]
pub enum Outcome {
    /// It ran, and all sums agree.
    Held(Identity),
    /// This machine lacks what it needs.
    Skipped(String),
}

/// A fault.
#[derive(Debug)]
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What happens.
    pub about: &'static str,
    run: fn(Scale) -> Result<Outcome, Failure>,
}

impl Scenario {
    /// Runs it.
    ///
    /// # Errors
    ///
    /// When the sums do not agree, or a part of the path does not do what it should.
    pub fn run(&self, scale: Scale) -> Result<Outcome, Failure> {
        (self.run)(scale).map_err(|error| format!("{}: {error}", self.name))
    }
}

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "collector-killed",
        about: "the collector is killed and started again every few seconds",
        run: collector::killed,
    },
    Scenario {
        name: "collector-frozen",
        about: "the collector stands still for 20 s, its connections open",
        run: collector::frozen,
    },
    Scenario {
        name: "garbage",
        about: "peers send garbage to the collector all the while",
        run: collector::garbage,
    },
    Scenario {
        name: "node-killed",
        about: "the process with the module is killed and started again",
        run: node::killed,
    },
    Scenario {
        name: "disk-full",
        about: "the disk of the state directory is full",
        run: node::disk_full,
    },
    Scenario {
        name: "names-gone",
        about: "names of servers cannot be resolved",
        run: elsewhere::names_gone,
    },
    Scenario {
        name: "name-server-stopped",
        about: "the name server that knows where Kafka is stops",
        run: elsewhere::name_server_stopped,
    },
    Scenario {
        name: "flood",
        about: "a container sends ten times its limit",
        run: tasks::flood,
    },
    Scenario {
        name: "kafka-stopped",
        about: "Kafka is stopped for 30 s",
        run: kafka::stopped,
    },
    Scenario {
        name: "consumer-killed",
        about: "the consumer is killed and started again",
        run: kafka::consumer_killed,
    },
    Scenario {
        name: "slow-link",
        about: "packets to and from Kafka are delayed and lost",
        run: link::slow,
    },
];

/// The scenario of this name.
#[must_use]
pub fn scenario(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// With Kafka as the far end, in a run that may take its time and on a machine that can run one.
fn with_kafka(scale: Scale) -> (Plan, Option<Broker>) {
    let broker = match scale {
        Scale::Short => None,
        Scale::Long => Broker::launch(),
    };
    let plan = Plan {
        brokers: broker.as_ref().map(Broker::address),
        containers: scale.of(20, 50),
        datagrams_per_second: scale.of(50, 40),
        ..Plan::default()
    };
    (plan, broker)
}

/// Some time in which nothing happens, for the numbers before and after a fault.
fn quiet(scale: Scale) -> Result<(), Failure> {
    pause(scale.seconds(1, 5))
}

/// The end of a scenario, with what must be so besides.
fn finish(path: Path, more: impl FnOnce(&mut Identity, &Evidence)) -> Result<Outcome, Failure> {
    let (mut identity, evidence) = path.finish()?;
    more(&mut identity, &evidence);
    identity.verify()?;
    Ok(Outcome::Held(identity))
}

/// Adds the sum that all numbers arrived.
fn nothing_missing(identity: &mut Identity, _evidence: &Evidence) {
    let missing = identity.fate("missing");
    identity.equal("numbers missing", missing, 0);
}
