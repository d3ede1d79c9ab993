//! Where the brokers of a DC/OS framework are (`reference/metrics.md` 2.6 and 3.1):
//!
//! 1. Mesos-DNS says where the framework's scheduler runs: the SRV record `_FRAMEWORK._tcp.marathon.mesos`.
//! 2. That scheduler says where its brokers are: `GET /v1/connection`, the field `dns`.
//!
//! In 2016 the collector took only the port from the record and asked `FRAMEWORK.mesos`, the consumers asked the record's
//! target. Here targets come first, in the order of their priorities: each was registered together with its port. Only if none
//! of them has an answer, `FRAMEWORK.mesos` is asked, at the first record's port: it is another name of the scheduler, which a
//! framework may have given itself.
//!
//! All of these names are looked up at the same name servers. The names of the brokers are not looked up here: the Kafka client
//! asks the system's resolver.

use crate::Framework;
use crate::connection;
use crate::dns::{lookup, servers, share};
use hickory_proto::rr::{Name, RData, RecordType};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

/// Where the system keeps the addresses of its name servers.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// How many records of the scheduler are tried. One port of one task has one; a task with several ports has some more.
const MOST_RECORDS: usize = 4;

/// Intervals between attempts to discover; each is twice the one before.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// How often a caller who waits is asked whether that should end.
const TICK: Duration = Duration::from_millis(100);

/// How to discover brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// How long it may take altogether. Each name server and each scheduler gets its share.
    pub timeout: Duration,
    /// The name server to ask instead of the system's, for a site where that is not Mesos-DNS.
    pub name_server: Option<SocketAddr>,
}

impl Default for Discovery {
    /// 10 s, at the system's name servers.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            name_server: None,
        }
    }
}

/// Why no brokers were found. The texts do not change as long as the reason does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// The framework's name makes no name in the DNS. Only parsing one gives this.
    #[error(
        "framework name {0:?} makes no DNS name: allowed are letters, digits, - and _, at most 62 of them, and dots between them"
    )]
    FrameworkName(String),
    /// The system has no name server.
    #[error("{RESOLV_CONF} gives no name server: {0}")]
    NameServers(String),
    /// The name servers do not know the scheduler.
    #[error("no scheduler of framework {framework}: {reason}")]
    Scheduler {
        /// The framework's name.
        framework: String,
        /// What each name server said.
        reason: String,
    },
    /// No scheduler named its brokers.
    #[error("no brokers of framework {framework}: {reason}")]
    Brokers {
        /// The framework's name.
        framework: String,
        /// What each scheduler said.
        reason: String,
    },
}

/// The brokers of the framework, each as `host:port`, of which there is at least one.
///
/// # Errors
///
/// See [`DiscoveryError`]. Whatever a name server or a scheduler answers, and if they do not, it ends after
/// [`Discovery::timeout`].
pub fn discover(framework: &Framework, settings: &Discovery) -> Result<Vec<String>, DiscoveryError> {
    let deadline = Instant::now() + settings.timeout;
    let servers = match settings.name_server {
        Some(server) => vec![server],
        None => system_servers()?,
    };
    // Half of the time is the schedulers'.
    let records =
        lookup(&servers, &framework.service, RecordType::SRV, share(deadline, 2)).map_err(|reason| {
            DiscoveryError::Scheduler {
                framework: framework.to_string(),
                reason,
            }
        })?;
    let schedulers = schedulers(records, framework.host.clone());
    let mut reasons = Vec::new();
    for (asked, (host, port)) in schedulers.iter().enumerate() {
        match ask(&servers, host, *port, share(deadline, schedulers.len() - asked)) {
            Ok(brokers) => return Ok(brokers),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(DiscoveryError::Brokers {
        framework: framework.to_string(),
        reason: reasons.join("; "),
    })
}

/// Discovers again and again until there are brokers, or None once `stopping`, which is looked at several times a second but
/// not in the middle of an attempt. An error is logged when it is another than the one before.
pub fn await_brokers(
    framework: &Framework,
    settings: &Discovery,
    stopping: impl Fn() -> bool,
) -> Option<Vec<String>> {
    let mut retry = FIRST_RETRY;
    let mut last = None;
    while !stopping() {
        match discover(framework, settings) {
            Ok(brokers) => {
                log::info!("brokers of framework {framework}: {}", brokers.join(", "));
                return Some(brokers);
            }
            Err(error) => {
                if last.as_ref() != Some(&error) {
                    log::warn!("{error}; trying again until there are some");
                    last = Some(error);
                }
            }
        }
        let until = Instant::now() + retry;
        while Instant::now() < until && !stopping() {
            thread::sleep(TICK);
        }
        retry = LAST_RETRY.min(2 * retry);
    }
    None
}

fn system_servers() -> Result<Vec<SocketAddr>, DiscoveryError> {
    let text = std::fs::read(RESOLV_CONF).map_err(|error| DiscoveryError::NameServers(error.to_string()))?;
    let servers = servers(&text);
    if servers.is_empty() {
        return Err(DiscoveryError::NameServers("it names none".to_owned()));
    }
    Ok(servers)
}

/// Whom to ask, in this order.
fn schedulers(records: Vec<RData>, framework: Name) -> Vec<(Name, u16)> {
    let mut records: Vec<_> = records
        .into_iter()
        .filter_map(|record| match record {
            RData::SRV(srv) => Some(srv),
            _ => None,
        })
        .collect();
    // Stable: the first of those with the same priority remains the first.
    records.sort_by_key(|srv| srv.priority);
    records.truncate(MOST_RECORDS);
    let fallback = records.first().map(|srv| (framework, srv.port));
    let targets = records.into_iter().map(|srv| (srv.target, srv.port));
    let mut schedulers: Vec<_> = targets.chain(fallback).collect();
    schedulers.dedup();
    schedulers
}

fn ask(servers: &[SocketAddr], host: &Name, port: u16, deadline: Instant) -> Result<Vec<String>, String> {
    // Mesos-DNS has an IPv4 address of everything.
    let records = lookup(servers, host, RecordType::A, deadline)?;
    let address = records
        .iter()
        .find_map(RData::ip_addr)
        .ok_or_else(|| format!("{host} has no address"))?;
    let host = host.to_ascii();
    let host = host.trim_end_matches('.');
    let left = deadline.saturating_duration_since(Instant::now());
    connection::brokers(host, SocketAddr::new(address, port), left)
        .map_err(|reason| format!("http://{host}:{port}/v1/connection: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::rdata::SRV;

    #[test]
    fn schedulers_by_priority() {
        let name = |text: &str| Name::from_ascii(text).unwrap();
        let asked = |records: &[(u16, u16, &str)]| {
            let records = records
                .iter()
                .map(|(priority, port, target)| RData::SRV(SRV::new(*priority, 0, *port, name(target))));
            let schedulers = schedulers(records.collect(), name("k.mesos."));
            let texts = schedulers.iter().map(|(host, port)| format!("{host}{port}"));
            texts.collect::<Vec<_>>()
        };
        assert_eq!(asked(&[]), [""; 0]);
        assert_eq!(
            asked(&[(2, 3, "c."), (1, 1, "a."), (1, 2, "b.")]),
            ["a.1", "b.2", "c.3", "k.mesos.1"]
        );
        assert_eq!(asked(&[(1, 1, "k.mesos.")]), ["k.mesos.1"]);
        assert_eq!(asked(&[(1, 1, "a."); 100]).len(), 2);
    }
}
