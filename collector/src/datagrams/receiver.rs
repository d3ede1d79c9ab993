//! What tests receive datagrams with.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// A socket on a free port of its own.
pub(crate) struct Receiver(UdpSocket);

impl Receiver {
    pub(crate) fn new() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap())
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self(socket)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next datagram, which has to be text.
    pub(crate) fn next(&self) -> String {
        let mut buffer = vec![0; 65536];
        loop {
            match self.0.recv(&mut buffer) {
                Ok(len) => return String::from_utf8(buffer[..len].to_vec()).unwrap(),
                // With a timeout, the system does not go on by itself after a process was stopped.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("a datagram was expected: {error}"),
            }
        }
    }
}
