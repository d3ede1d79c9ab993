//! `single`: all containers share one port. What arrives there can't be told apart once there are two of them.

use super::{AssignError, Assigned, Assignment};
use crate::endpoint::ports::{PortLease, PortPool};
use crate::endpoint::socket::BoundSocket;
use crate::sync::Mutex;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

pub(super) struct Single {
    endpoint: SocketAddr,
    receive_buffer_bytes: usize,
    /// A range of one port: it is used as long as the shared socket is open, whoever keeps that, and free again when opening
    /// failed.
    pool: Arc<Mutex<PortPool>>,
}

impl Single {
    pub(super) fn new(ip: IpAddr, port: u16, receive_buffer_bytes: usize) -> Self {
        let pool = Arc::new(Mutex::new(PortPool::new(port, port)));
        Self {
            endpoint: SocketAddr::new(ip, port),
            receive_buffer_bytes,
            pool,
        }
    }
}

impl Assignment for Single {
    fn assign(&mut self) -> Result<Assigned, AssignError> {
        let Some(lease) = PortLease::take(&self.pool) else {
            return Ok(Assigned {
                endpoint: self.endpoint,
                socket: None,
            });
        };
        let (ip, port) = (self.endpoint.ip(), self.endpoint.port());
        BoundSocket::open(ip, port, self.receive_buffer_bytes, Some(lease)).map(Assigned::from)
    }

    /// The configured port, whatever the container had.
    fn reclaim(&mut self, port: u16) -> Result<Assigned, AssignError> {
        if port != self.endpoint.port() {
            log::warn!(
                "A container was told to send to port {port} before the restart, but listen_port is {} now: its metrics \
                 will not arrive",
                self.endpoint.port()
            );
        }
        self.assign()
    }
}
