//! The options of this module.

use super::store::Limits;
use crate::options::{addresses, endpoint};
use clap::Args;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Memory allowed for every datapoint that may be kept, in bytes: what it takes with a name and tags of usual length.
const DATAPOINT_BYTES: usize = 256;

/// Where HTTP requests are answered, and what is kept for the answers.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "HTTP")]
pub struct HttpOptions {
    /// Where to answer HTTP requests: a page at /, /health, /metrics, /v0; "off" for nowhere
    ///
    /// HOST is as for --listen. On a loopback address, requests must be for a loopback host; everybody who reaches
    /// another address may read everything.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9273", value_parser = endpoint_or_off)]
    pub http: String,

    /// How many datapoints to keep for /v0 and the page, the last of each series; 256 bytes are allowed for each
    #[arg(long, value_name = "DATAPOINTS", default_value = "50000",
          value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub http_store_datapoints: u32,

    /// How long to show a datapoint in /v0 that no newer one replaces; 1 to 86400
    #[arg(long, value_name = "SECONDS", default_value = "120",
          value_parser = clap::value_parser!(u32).range(1..=86400))]
    pub http_store_expiry: u32,
}

impl HttpOptions {
    /// The addresses of [`HttpOptions::http`], of which the first that can be bound is meant; none if it is off.
    ///
    /// # Errors
    ///
    /// When the host has no address.
    pub fn addresses(&self) -> Option<io::Result<Vec<SocketAddr>>> {
        (!is_off(&self.http)).then(|| addresses(&self.http))
    }

    /// What the store may hold.
    #[must_use]
    pub fn store_limits(&self) -> Limits {
        let series = self.http_store_datapoints as usize;
        Limits {
            series,
            // So that a few can be kept in any case.
            bytes: (series * DATAPOINT_BYTES).max(64 * 1024),
            expiry: Duration::from_secs(self.http_store_expiry.into()),
        }
    }
}

fn is_off(text: &str) -> bool {
    text.is_empty() || text == "off"
}

fn endpoint_or_off(text: &str) -> Result<String, String> {
    if is_off(text) {
        return Ok(text.to_owned());
    }
    endpoint(text).map_err(|_| {
        "must be HOST:PORT with a port of 0 to 65535, 127.0.0.1:9273 for example, or off".to_owned()
    })
}
