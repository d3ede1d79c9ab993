//! `range`: every container gets a port of a range, the one that has been free the longest.

use super::{AssignError, Assigned, Assignment};
use crate::endpoint::ports::{PortLease, PortPool};
use crate::endpoint::socket::BoundSocket;
use crate::sync::Mutex;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::Arc;

pub(super) struct Range {
    ip: IpAddr,
    first: u16,
    last: u16,
    receive_buffer_bytes: usize,
    pool: Arc<Mutex<PortPool>>,
}

impl Range {
    pub(super) fn new(ip: IpAddr, first: u16, last: u16, receive_buffer_bytes: usize) -> Self {
        Self {
            ip,
            first,
            last,
            receive_buffer_bytes,
            pool: Arc::new(Mutex::new(PortPool::new(first, last))),
        }
    }

    fn open(&self, lease: PortLease) -> Result<BoundSocket, AssignError> {
        BoundSocket::open(self.ip, lease.port(), self.receive_buffer_bytes, Some(lease))
    }
}

impl Assignment for Range {
    /// A port that somebody else holds goes to the end of the line, so each is tried at most once a call. (The old module gave
    /// up at the first such port, for every container until that port became free.) Somebody may be the agent itself: a child
    /// that it forked holds our sockets, those closed since too, until it executes its program.
    fn assign(&mut self) -> Result<Assigned, AssignError> {
        let mut others = 0;
        let candidates = self.pool.lock().free();
        while others < candidates
            && let Some(lease) = PortLease::take(&self.pool)
        {
            match self.open(lease) {
                Err(AssignError::Bind { endpoint, source }) if is_of_the_port(source.kind()) => {
                    log::debug!("{endpoint} is skipped: {source}");
                    others += 1;
                }
                result => return result.map(Assigned::from),
            }
        }
        let ours = self.pool.lock().used();
        Err(AssignError::Depleted {
            first: self.first,
            last: self.last,
            ours,
            others,
        })
    }

    fn reclaim(&mut self, port: u16) -> Result<Assigned, AssignError> {
        let lease = PortLease::claim(&self.pool, port)?;
        self.open(lease).map(Assigned::from)
    }
}

/// Whether the next port may do where this one did not: it is in use, privileged, or reserved by SELinux. Out of
/// descriptors or memory, the next one fares no better.
fn is_of_the_port(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}
