//! Packs lines into datagrams, sends them, and keeps count.

use serde::Serialize;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, ToSocketAddrs, UdpSocket};

/// What was handed to the kernel, and what it refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    pub(crate) lines: u64,
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
    pub(crate) failed_lines: u64,
    pub(crate) failed_datagrams: u64,
    pub(crate) failed_bytes: u64,
}

/// A connected socket and the datagram being filled.
#[derive(Debug)]
pub(crate) struct Sender {
    socket: UdpSocket,
    lines_per_datagram: u64,
    debug: bool,
    datagram: Vec<u8>,
    lines: u64,
    totals: Totals,
}

impl Sender {
    /// Resolves `host` and connects to the first of its addresses that can be connected to.
    pub(crate) fn connect(host: &str, port: u16, lines_per_datagram: u64, debug: bool) -> io::Result<Self> {
        let mut result = Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
        for address in (host, port).to_socket_addrs()? {
            result = if address.is_ipv4() {
                UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
            } else {
                UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))
            }
            .and_then(|socket| socket.connect(address).map(|()| socket));
            if result.is_ok() {
                break;
            }
        }
        Ok(Self {
            socket: result?,
            lines_per_datagram,
            debug,
            datagram: Vec::new(),
            lines: 0,
            totals: Totals::default(),
        })
    }

    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Adds a line to the datagram, and sends it when that was the last to go in.
    pub(crate) fn push(&mut self, line: &str) {
        if self.lines > 0 {
            self.datagram.push(b'\n');
        }
        self.datagram.extend_from_slice(line.as_bytes());
        self.lines += 1;
        if self.lines >= self.lines_per_datagram {
            self.flush();
        }
    }

    /// Sends the datagram as it is, unless it is empty.
    pub(crate) fn flush(&mut self) {
        if self.lines == 0 {
            return;
        }
        let bytes = self.datagram.len() as u64;
        let result = self.socket.send(&self.datagram);
        if self.debug {
            let text = String::from_utf8_lossy(&self.datagram);
            match &result {
                Ok(_) => eprintln!("{text}"),
                Err(error) => eprintln!("{text} (not sent: {error})"),
            }
        }
        if result.is_ok() {
            self.totals.lines += self.lines;
            self.totals.datagrams += 1;
            self.totals.bytes += bytes;
        } else {
            self.totals.failed_lines += self.lines;
            self.totals.failed_datagrams += 1;
            self.totals.failed_bytes += bytes;
        }
        self.datagram.clear();
        self.lines = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_and_counts() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = receiver.local_addr().unwrap().port();
        let mut sender = Sender::connect("127.0.0.1", port, 2, false).unwrap();
        for line in ["a:1|c", "bb:2|g", "c:3|ms"] {
            sender.push(line);
        }
        sender.flush();
        sender.flush();
        let mut buffer = [0; 100];
        for expected in ["a:1|c\nbb:2|g", "c:3|ms"] {
            let length = receiver.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], expected.as_bytes());
        }
        let totals = Totals {
            lines: 3,
            datagrams: 2,
            bytes: 18,
            ..Totals::default()
        };
        assert_eq!(*sender.totals(), totals);

        // Too long for UDP, so the kernel refuses it.
        sender.push(&"x".repeat(70_000));
        sender.flush();
        let failed = Totals {
            failed_lines: 1,
            failed_datagrams: 1,
            failed_bytes: 70_000,
            ..totals
        };
        assert_eq!(*sender.totals(), failed);
    }
}
