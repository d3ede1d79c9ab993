//! One endpoint: a socket, the containers it belongs to, and how much came from them.

use super::attribution::Attribution;
use super::outputs::Outputs;
use crate::accounting::Accounting;
use crate::container::{Container, ContainerId};
use crate::endpoint::PortLease;
use crate::endpoint::socket::BoundSocket;
use crate::statsd::lines::lines;
use crate::statsd::tag::Tagger;
use crate::sys::drops::receive_drops;
use crate::sys::mmsg::Datagram;
use mio::net::UdpSocket;
use std::net::SocketAddr;
use std::os::fd::AsFd;

/// Bytes of the current period (`reference/metrics.md` 1.15).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Throughput {
    /// Those throttled included.
    pub(super) received: u64,
    pub(super) throttled: u64,
}

pub(super) struct Reader {
    // The socket closes before the lease returns its port to the others: fields are dropped in order.
    pub(super) socket: UdpSocket,
    _lease: Option<PortLease>,
    pub(super) endpoint: SocketAddr,
    containers: Vec<Container>,
    /// Whether further containers may join, and the socket outlives them.
    pub(super) is_shared: bool,
    tagger: Option<Tagger>,
    pub(super) attribution: Attribution,
    pub(super) throughput: Throughput,
    /// Whether it is in the loop's list of sockets to read.
    pub(super) is_ready: bool,
    /// Whether anything came since the kernel was last asked for its drops.
    pub(super) is_touched: bool,
    drops_seen: u32,
}

impl Reader {
    pub(super) fn new(
        bound: BoundSocket,
        container: Container,
        is_shared: bool,
        tagger: Option<Tagger>,
    ) -> Self {
        let endpoint = bound.endpoint();
        let (socket, lease) = bound.into_parts();
        let containers = vec![container];
        Self {
            socket: UdpSocket::from_std(socket),
            _lease: lease,
            endpoint,
            attribution: Attribution::new(&containers, tagger),
            containers,
            is_shared,
            tagger,
            throughput: Throughput::default(),
            is_ready: false,
            is_touched: false,
            drops_seen: 0,
        }
    }

    /// Adds a container to those that share the socket.
    pub(super) fn join(&mut self, container: Container) {
        self.containers.retain(|known| known.id != container.id);
        self.containers.push(container);
        self.attribution = Attribution::new(&self.containers, self.tagger);
    }

    /// Removes a container from them.
    pub(super) fn leave(&mut self, container: &ContainerId) {
        self.containers.retain(|known| known.id != *container);
        self.attribution = Attribution::new(&self.containers, self.tagger);
    }

    /// Hands on a datagram's lines, unless the endpoint has had its share of the period (`reference/metrics.md` 1.15: a
    /// datagram that begins below the limit passes whole).
    pub(super) fn datagram(
        &mut self,
        datagram: Datagram<'_>,
        limit: Option<u64>,
        now_ms: i64,
        outputs: &mut Outputs,
        accounting: &mut Accounting,
    ) {
        let length = datagram.bytes.len() as u64;
        accounting.bytes_received += length;
        let before = self.throughput.received;
        self.throughput.received += length;
        if limit.is_some_and(|limit| before >= limit) {
            self.throughput.throttled += length;
            accounting.datagrams_throttled += 1;
            accounting.bytes_throttled += length;
            return;
        }
        let mut bytes = datagram.bytes;
        if datagram.truncated {
            accounting.datagrams_truncated += 1;
            // The last line has lost its end, and perhaps a digit of its value.
            let whole = memchr::memrchr(b'\n', bytes).unwrap_or(0);
            bytes = &bytes[..whole];
        }
        for line in lines(bytes) {
            accounting.lines_received += 1;
            outputs.line(line, &mut self.attribution, now_ms);
        }
        accounting.datagrams_read += 1;
    }

    /// How many datagrams the kernel dropped since it was last asked.
    pub(super) fn new_kernel_drops(&mut self) -> u32 {
        self.is_touched = false;
        // A kernel too old to tell: then nobody knows.
        let Ok(drops) = receive_drops(self.socket.as_fd()) else {
            return 0;
        };
        let new = drops.wrapping_sub(self.drops_seen);
        self.drops_seen = drops;
        new
    }
}
