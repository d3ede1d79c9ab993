//! Discovery at a real name server and real HTTP listeners, and at such that answer what they should not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod found;
mod name_servers;
mod scheduler;
mod schedulers;

use stats_kafka::{Discovery, DiscoveryError, Framework, discover};
use std::net::SocketAddr;
use std::time::Duration;

/// Discovery at this name server, in a time that is enough on a machine that is busy compiling.
fn at(name_server: SocketAddr) -> Discovery {
    Discovery {
        timeout: Duration::from_secs(60),
        name_server: Some(name_server),
    }
}

/// The framework all tests look for.
fn kafka() -> Framework {
    "kafka".parse().unwrap()
}

/// What `discover` says about the framework, which has no brokers.
fn refusal(settings: &Discovery) -> DiscoveryError {
    discover(&kafka(), settings).unwrap_err()
}
