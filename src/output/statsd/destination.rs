//! The address StatsD datagrams go to (`reference/metrics.md` 1.16.4).
//!
//! A name may stand for several addresses; one is picked at random and kept as long as it is listed. The old system picked
//! anew whenever the list changed, so that series moved between receivers for no reason.

use super::resolver::Resolver;
use mio::Waker;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A lookup that took longer than this has failed for now; its answer still counts when it comes.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// Before the first success, names are looked up more often than they are refreshed: all data is dropped until then.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// Where the datagrams go, once it is known.
pub(crate) struct Destination {
    host: String,
    refresh: Duration,
    /// `None` for an IP address, which needs no lookup.
    resolver: Option<Resolver>,
    /// Of the lookup under way.
    asked_at: Option<Instant>,
    timed_out: bool,
    next_lookup: Instant,
    known: Vec<SocketAddr>,
    open: Option<(SocketAddr, UdpSocket)>,
}

impl Destination {
    pub(crate) fn new(
        host: &str,
        port: u16,
        refresh: Duration,
        now: Instant,
        waker: Arc<Waker>,
    ) -> io::Result<Self> {
        let mut destination = Self {
            host: host.to_owned(),
            refresh,
            resolver: None,
            asked_at: None,
            timed_out: false,
            next_lookup: now,
            known: Vec::new(),
            open: None,
        };
        if let Ok(ip) = host.parse::<IpAddr>() {
            destination.update(vec![SocketAddr::new(ip, port)]);
        } else {
            destination.resolver = Some(Resolver::start(host, port, waker)?);
        }
        Ok(destination)
    }

    /// The connected socket, if the destination is known.
    pub(crate) fn socket(&self) -> Option<&UdpSocket> {
        self.open.as_ref().map(|(_, socket)| socket)
    }

    /// When [`turn`](Self::turn) has something to do at the latest.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.resolver.as_ref()?;
        match self.asked_at {
            None => Some(self.next_lookup),
            Some(asked) if !self.timed_out => Some(asked + LOOKUP_TIMEOUT),
            Some(_) => None,
        }
    }

    /// Takes the answer of a lookup and starts the next when it is due.
    pub(crate) fn turn(&mut self, now: Instant) {
        let Some(resolver) = &self.resolver else { return };
        if self.asked_at.is_none() && now >= self.next_lookup {
            resolver.ask();
            self.asked_at = Some(now);
            self.timed_out = false;
        }
        let Some(asked) = self.asked_at else { return };
        match resolver.answer() {
            None if !self.timed_out && now >= asked + LOOKUP_TIMEOUT => {
                self.timed_out = true;
                self.failed(&io::Error::from(io::ErrorKind::TimedOut), "after the answer");
            }
            None => {}
            Some(answer) => {
                self.asked_at = None;
                match answer {
                    Ok(addresses) if !addresses.is_empty() => self.update(addresses),
                    Ok(_) => self.failed(&io::Error::other("no addresses"), ""),
                    Err(error) => self.failed(&error, ""),
                }
                let pause = if self.open.is_some() {
                    self.refresh
                } else {
                    self.refresh.min(FIRST_RETRY)
                };
                self.next_lookup = now + pause;
            }
        }
    }

    fn failed(&self, error: &io::Error, when: &str) {
        let host = &self.host;
        match &self.open {
            Some((address, _)) => {
                log::error!(
                    "Error when resolving host[{host}]. Sending data to old endpoint[{address}]. err={error}"
                );
            }
            None => {
                let seconds = self.refresh.min(FIRST_RETRY).as_secs();
                log::warn!(
                    "Error when resolving host[{host}]. Dropping data and trying again in {seconds} seconds{}{when}. err={error}",
                    if when.is_empty() { "" } else { " " }
                );
            }
        }
    }

    fn update(&mut self, mut addresses: Vec<SocketAddr>) {
        addresses.sort_unstable();
        let count = addresses.len();
        if addresses == self.known && self.open.is_some() {
            log::debug!("No change in resolved addresses[size={count}]");
            return;
        }
        let current = self.open.as_ref().map(|(address, _)| *address);
        if let Some(address) = current
            && addresses.contains(&address)
        {
            log::info!(
                "Resolved dest host[{}] -> results[size={count}] -> kept[{address}]",
                self.host
            );
            self.known = addresses;
            return;
        }
        // Any address will do that the kernel has a route to, beginning with a random one.
        let first = usize::try_from(RandomState::new().build_hasher().finish() % count as u64).unwrap_or(0);
        for offset in 0..count {
            let address = addresses[(first + offset) % count];
            match connect(address) {
                Ok(socket) => {
                    log::info!(
                        "Resolved dest host[{}] -> results[size={count}] -> selected[{address}]",
                        self.host
                    );
                    if let Some(old) = current {
                        log::info!("Updated dest endpoint[{old}] to endpoint[{address}]");
                    }
                    self.open = Some((address, socket));
                    self.known = addresses;
                    return;
                }
                Err(error) => log::error!(
                    "Dest endpoint[{address}] of host[{}] can't be used: {error}",
                    self.host
                ),
            }
        }
    }
}

fn connect(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = if address.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests;
