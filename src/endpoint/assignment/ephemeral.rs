//! `ephemeral`: every container gets a port that the kernel chooses.

use super::{AssignError, Assigned, Assignment};
use crate::endpoint::socket::BoundSocket;
use std::net::IpAddr;

pub(super) struct Ephemeral {
    pub(super) ip: IpAddr,
    pub(super) receive_buffer_bytes: usize,
}

impl Assignment for Ephemeral {
    fn assign(&mut self) -> Result<Assigned, AssignError> {
        self.reclaim(0)
    }

    fn reclaim(&mut self, port: u16) -> Result<Assigned, AssignError> {
        BoundSocket::open(self.ip, port, self.receive_buffer_bytes, None).map(Assigned::from)
    }
}
