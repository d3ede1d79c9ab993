//! The ports of a range: which are free, in which order they are handed out, and who holds the others.

use crate::sync::Mutex;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// The ports of `listen_port_start` to `listen_port_end`, both included.
///
/// The old pool handed out the lowest free port (`reference/metrics.md` 1.11). This one hands out the port that has been free
/// the longest: what a finished container still had under way then reaches nobody, not the next container.
#[derive(Debug)]
pub(super) struct PortPool {
    first: u16,
    last: u16,
    /// Next to be handed out first.
    free: VecDeque<u16>,
    used: HashSet<u16>,
}

/// Why a certain port can't be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PortError {
    /// Below the range.
    #[error("port {port} is smaller than min value {first} of the port range")]
    Below {
        /// The port asked for.
        port: u16,
        /// The range's first port.
        first: u16,
    },
    /// Above the range.
    #[error("port {port} is larger than max value {last} of the port range")]
    Above {
        /// The port asked for.
        port: u16,
        /// The range's last port.
        last: u16,
    },
    /// Another container has it.
    #[error("port {port} is already used by another container's endpoint")]
    Used {
        /// The port asked for.
        port: u16,
    },
}

impl PortPool {
    pub(super) fn new(first: u16, last: u16) -> Self {
        Self {
            first,
            last,
            free: (first..=last).collect(),
            used: HashSet::new(),
        }
    }

    pub(super) fn free(&self) -> usize {
        self.free.len()
    }

    pub(super) fn used(&self) -> usize {
        self.used.len()
    }

    fn take(&mut self) -> Option<u16> {
        let port = self.free.pop_front()?;
        self.used.insert(port);
        Some(port)
    }

    fn claim(&mut self, port: u16) -> Result<(), PortError> {
        if port < self.first {
            return Err(PortError::Below {
                port,
                first: self.first,
            });
        }
        if port > self.last {
            return Err(PortError::Above {
                port,
                last: self.last,
            });
        }
        // Linear, but used once per container, and only when an agent comes back.
        let Some(place) = self.free.iter().position(|&free| free == port) else {
            return Err(PortError::Used { port });
        };
        self.free.remove(place);
        self.used.insert(port);
        Ok(())
    }

    /// Where the old pool ended the process, a port that nobody holds is only worth an error in the log.
    fn give_back(&mut self, port: u16) {
        if self.used.remove(&port) {
            self.free.push_back(port);
        } else {
            log::error!(
                "Port {port} was returned to the range {}-{} but isn't in use",
                self.first,
                self.last
            );
        }
    }
}

/// The right to one port of a range. Dropping it makes the port the last in line to be handed out again.
///
/// It must outlive the socket bound to the port, or the next container that gets the port finds it still in use.
#[derive(Debug)]
pub struct PortLease {
    port: u16,
    pool: Arc<Mutex<PortPool>>,
}

impl PortLease {
    /// The port that has been free the longest, if there is a free one.
    pub(super) fn take(pool: &Arc<Mutex<PortPool>>) -> Option<Self> {
        let port = pool.lock().take()?;
        Some(Self {
            port,
            pool: Arc::clone(pool),
        })
    }

    /// A certain port.
    pub(super) fn claim(pool: &Arc<Mutex<PortPool>>, port: u16) -> Result<Self, PortError> {
        pool.lock().claim(port)?;
        Ok(Self {
            port,
            pool: Arc::clone(pool),
        })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for PortLease {
    fn drop(&mut self) {
        self.pool.lock().give_back(self.port);
    }
}

#[cfg(test)]
mod tests;
