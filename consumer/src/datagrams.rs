//! Lines over UDP.

use crate::backend::DeliveryError;
use crate::batch::Batch;
use crate::counters::{Counters, add};
use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

/// What a datagram holds at most, unless a single line is longer: fits an Ethernet frame through the usual tunnels.
pub(crate) const DATAGRAM_BYTES: usize = 1432;

/// The longest line. Longer ones would be fragments of fragments, which nobody receives.
pub(crate) const LINE_BYTES: usize = 8192;

/// A socket for one receiver. UDP knows no acknowledgements: what the network or the receiver loses is lost. Only a receiver
/// that is not there, on a host that says so, is noticed.
#[derive(Debug)]
pub(crate) struct Datagrams {
    host: String,
    port: u16,
    socket: Option<UdpSocket>,
}

impl Datagrams {
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            socket: None,
        }
    }

    /// Sends all lines of `batch`, each of which ends with a newline, as few datagrams. Those that went leave the batch and are
    /// counted.
    pub(crate) fn send(&mut self, batch: &mut Batch, counters: &Counters) -> Result<(), DeliveryError> {
        let (mut before, mut first) = (0, 0);
        while first < batch.len() {
            let end = batch.fitting(first, DATAGRAM_BYTES + 1);
            let lines = batch.range(first, end);
            if let Err(error) = self.send_datagram(&lines[..lines.len() - 1]) {
                // The error can be the answer to the datagram before, which then must be sent again.
                batch.drop_before(before);
                add(&counters.delivered, before);
                self.socket = None;
                let to = format!("{}:{}", self.host, self.port);
                return Err(DeliveryError::unavailable("send datagrams to", &to, &error));
            }
            (before, first) = (first, end);
        }
        add(&counters.delivered, batch.len());
        batch.clear();
        Ok(())
    }

    fn send_datagram(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => connect(&self.host, self.port)?,
        };
        self.socket.insert(socket).send(bytes).map(|_| ())
    }
}

fn connect(host: &str, port: u16) -> std::io::Result<UdpSocket> {
    let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    let v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let socket = if v6 {
        UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?
    } else {
        UdpSocket::bind(("0.0.0.0", 0))?
    };
    socket.connect(addresses.first().copied().ok_or(std::io::ErrorKind::NotFound)?)?;
    Ok(socket)
}
