//! Whether there is a Kafka, asked once.

use super::client::Client;
use super::discovery;
use super::settings::{Brokers, Settings};
use std::time::Duration;

/// How long brokers may take to answer: a name to look up, a connection, a handshake and a login.
const PATIENCE: Duration = Duration::from_secs(10);

/// Finds the brokers, connects and asks what topics there are: how many of each, as text. Blocks for a while, and writes
/// nothing.
///
/// # Errors
///
/// What went wrong last; never a password.
pub fn check(settings: &Settings) -> Result<String, String> {
    let brokers = match (&settings.brokers, discovery(&settings.brokers)) {
        (_, Some(discover)) => discover()?,
        (Brokers::Fixed(brokers), None) => brokers.clone(),
        (Brokers::Framework { .. }, None) => Vec::new(),
    };
    Client::new(settings, &brokers)?
        .ask(PATIENCE)
        .map_err(|reason| format!("{}: {reason}", brokers.join(", ")))
}
