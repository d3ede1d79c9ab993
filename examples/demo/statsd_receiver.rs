//! The far end of the StatsD output: a UDP socket.

use crate::Failure;
use crate::arrivals::Arrivals;
use rustix::net::sockopt;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Asked of the kernel, which may grant less.
const RECEIVE_BUFFER_BYTES: usize = 8 << 20;

/// A socket and the thread that empties it.
pub(crate) struct StatsdReceiver {
    port: u16,
    ending: Arc<AtomicBool>,
    thread: JoinHandle<UdpSocket>,
}

impl StatsdReceiver {
    pub(crate) fn start(arrivals: Arc<Arrivals>) -> Result<Self, Failure> {
        let failure = |error| format!("cannot receive StatsD: {error}");
        let socket = UdpSocket::bind("127.0.0.1:0").map_err(failure)?;
        // Without it the socket would lose more, and the balance would say so.
        if sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER_BYTES).is_err() {
            let _ = sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_BYTES);
        }
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .map_err(failure)?;
        let port = socket.local_addr().map_err(failure)?.port();
        let ending = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&ending);
        let thread = thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            loop {
                match socket.recv(&mut buffer) {
                    Ok(length) => arrivals.count_datagram(&buffer[..length]),
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                        if ends.load(Relaxed) {
                            return socket;
                        }
                    }
                    // Interrupted; whatever else it may be, the balance shows what was missed.
                    Err(_) => {}
                }
            }
        });
        Ok(Self { port, ending, thread })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Takes what is left and returns how many datagrams the kernel had no room for. The sender has to be gone.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        self.ending.store(true, Relaxed);
        let socket = self
            .thread
            .join()
            .map_err(|_| "the StatsD receiver panicked".to_owned())?;
        let table = std::fs::read_to_string("/proc/net/udp")
            .map_err(|error| format!("cannot read the kernel's drops in /proc/net/udp: {error}"))?;
        drop(socket);
        kernel_drops(&table, self.port)
            .ok_or_else(|| format!("/proc/net/udp does not list port {}", self.port))
    }
}

/// The last column of the line with this local port.
fn kernel_drops(table: &str, port: u16) -> Option<u64> {
    let local = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .map(|line| line.split_ascii_whitespace())
        .find_map(|mut columns| {
            columns
                .nth(1)
                .filter(|address| address.ends_with(&local))
                .and_then(|_| columns.last()?.parse().ok())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn counts_what_arrives_and_what_the_kernel_drops() {
        let arrivals = Arc::new(Arrivals::new(&["a"]));
        let receiver = StatsdReceiver::start(Arc::clone(&arrivals)).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..10 {
            sender
                .send_to(b"x:1|c|#container_id:a", ("127.0.0.1", receiver.port()))
                .unwrap();
        }
        assert_eq!(receiver.finish(), Ok(0));
        assert_eq!(arrivals.statsd.tasks[0].load(Relaxed), 10);

        let full = UdpSocket::bind("127.0.0.1:0").unwrap();
        sockopt::set_socket_recv_buffer_size(&full, 1).unwrap();
        let address = full.local_addr().unwrap();
        (0..1000).for_each(|_| drop(sender.send_to(&[0; 1000], address)));
        let drops = kernel_drops(&fs::read_to_string("/proc/net/udp").unwrap(), address.port()).unwrap();
        full.set_nonblocking(true).unwrap();
        let received = std::iter::from_fn(|| full.recv(&mut [0; 1000]).ok()).count() as u64;
        assert_eq!(received + drops, 1000);
    }
}
