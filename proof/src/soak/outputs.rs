//! Where the outputs lead: to somebody who takes everything and keeps nothing.

use crate::Failure;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// A StatsD server that nobody needs. It takes datagrams until the program ends.
///
/// # Errors
///
/// When the system refuses a socket.
pub fn statsd_server() -> Result<SocketAddr, Failure> {
    let failure = |error| format!("a socket for a StatsD server: {error}");
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failure)?;
    let address = socket.local_addr().map_err(failure)?;
    std::thread::spawn(move || {
        let mut datagram = vec![0; 1 << 16];
        while socket.recv(&mut datagram).is_ok() {}
    });
    Ok(address)
}

/// Reads a page of the collector as Prometheus does; how many bytes it has.
///
/// # Errors
///
/// When there is no such page.
pub fn page(address: &str, path: &str) -> Result<usize, Failure> {
    let failure = |error| format!("http://{address}{path}: {error}");
    let mut stream = TcpStream::connect(address).map_err(failure)?;
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .map_err(failure)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(failure)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(failure)?;
    if answer.starts_with(b"HTTP/1.1 200 ") {
        Ok(answer.len())
    } else {
        let status: Vec<u8> = answer.into_iter().take(80).collect();
        Err(format!(
            "http://{address}{path}: {}",
            String::from_utf8_lossy(&status)
        ))
    }
}
