//! Which endpoint a container gets: `listen_port_mode` (`reference/metrics.md` 1.11).

mod ephemeral;
mod range;
mod single;

#[cfg(test)]
mod tests;

use super::address::{self, AddressError};
use super::ports::PortError;
use super::socket::BoundSocket;
use crate::parameters::{Listen, PortMode};
use std::io;
use std::net::SocketAddr;

/// A container's endpoint.
#[derive(Debug)]
pub struct Assigned {
    /// Where the container shall send.
    pub endpoint: SocketAddr,
    /// The socket behind it; `None` when that is open already and shared with other containers.
    pub socket: Option<BoundSocket>,
}

impl From<BoundSocket> for Assigned {
    fn from(socket: BoundSocket) -> Self {
        Self {
            endpoint: socket.endpoint(),
            socket: Some(socket),
        }
    }
}

/// Why a container gets no endpoint.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    /// There is no address to listen on.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The operating system refused.
    #[error("{endpoint} cannot be bound: {source}")]
    Bind {
        /// What was to be bound; port 0 stands for any.
        endpoint: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// No port of the range can be had.
    #[error(
        "Port range {first}-{last} has been depleted. {ours} ports are used by containers' endpoints, {others} are held by \
         other programs; widen it with listen_port_start and listen_port_end"
    )]
    Depleted {
        /// The range's first port.
        first: u16,
        /// The range's last port.
        last: u16,
        /// Ports that containers of this agent have.
        ours: usize,
        /// Ports that could not be bound.
        others: usize,
    },
    /// The port of before a restart can't be had.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// A way to choose endpoints. Dropping what it assigned returns the port.
pub trait Assignment: Send {
    /// An endpoint for a new container. Binding takes microseconds; nothing waits.
    ///
    /// # Errors
    /// When there is none now; a later call may find one.
    fn assign(&mut self) -> Result<Assigned, AssignError>;

    /// The endpoint with the port that a container had before a restart, which it still sends to.
    ///
    /// # Errors
    /// When that port can't be had, so the container's metrics are lost.
    fn reclaim(&mut self, port: u16) -> Result<Assigned, AssignError>;
}

/// The assignment that the parameters ask for. Finds the address to listen on, which for a host name takes as long as the
/// system's resolver takes; binds nothing yet.
///
/// # Errors
/// [`AssignError::Address`].
pub fn assignment(listen: &Listen) -> Result<Box<dyn Assignment>, AssignError> {
    let ip = address::resolve(&listen.address)?;
    let receive_buffer_bytes = listen.receive_buffer_bytes;
    Ok(match listen.ports {
        PortMode::Ephemeral => Box::new(ephemeral::Ephemeral {
            ip,
            receive_buffer_bytes,
        }),
        PortMode::Single(port) => Box::new(single::Single::new(ip, port, receive_buffer_bytes)),
        PortMode::Range { start, end } => Box::new(range::Range::new(ip, start, end, receive_buffer_bytes)),
    })
}
