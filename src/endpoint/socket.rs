//! One UDP socket that containers send to.

use super::assignment::AssignError;
use super::ports::PortLease;
use crate::sys::sockopt;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Once;

/// A socket bound to `ip` and `port` (0: the kernel chooses), ready for the loop: non-blocking; closed in programs that the
/// agent launches, or executors would keep ports busy after a restart (`reference/metrics.md` 1.14); with a receive buffer
/// of `receive_buffer_bytes` as far as the system allows. A process that may not exceed net.core.rmem_max says so once
/// in the log.
///
/// There is no `SO_REUSEADDR`: with it, two sockets could have the same port, and one of them would be deaf.
///
/// # Errors
/// `AddrInUse` when the port is held by somebody; `AddrNotAvailable` when the address is not this machine's; others of
/// socket(2) and bind(2).
pub fn bind(ip: IpAddr, port: u16, receive_buffer_bytes: usize) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((ip, port))?;
    socket.set_nonblocking(true)?;
    if sockopt::force_receive_buffer(socket.as_fd(), receive_buffer_bytes).is_err() {
        sockopt::request_receive_buffer(socket.as_fd(), receive_buffer_bytes)?;
    }
    let granted = granted_receive_buffer_bytes(&socket)?;
    if granted < receive_buffer_bytes {
        static WARNED: Once = Once::new();
        WARNED.call_once(|| {
            log::warn!(
                "The system allows endpoints a receive buffer of {granted} bytes, {receive_buffer_bytes} were asked for: bursts \
                 may lose datagrams. Raise the limit with `sysctl -w net.core.rmem_max={receive_buffer_bytes}`, or give the \
                 agent CAP_NET_ADMIN."
            );
        });
    }
    Ok(socket)
}

/// The receive buffer that the kernel granted the socket, in bytes, in the unit of `receive_buffer_bytes`.
///
/// # Errors
/// Those of getsockopt(2); none that a valid socket can cause.
fn granted_receive_buffer_bytes(socket: &UdpSocket) -> io::Result<usize> {
    sockopt::receive_buffer(socket.as_fd())
}

/// A socket that is bound, and its hold on the port.
#[derive(Debug)]
pub struct BoundSocket {
    // The socket stands before the lease: fields are dropped in this order, so the port is closed when it becomes free.
    socket: UdpSocket,
    endpoint: SocketAddr,
    lease: Option<PortLease>,
}

impl BoundSocket {
    /// Binds a socket. When that fails, the lease ends.
    pub(super) fn open(
        ip: IpAddr,
        port: u16,
        receive_buffer_bytes: usize,
        lease: Option<PortLease>,
    ) -> Result<Self, AssignError> {
        let opened =
            bind(ip, port, receive_buffer_bytes).and_then(|socket| Ok((socket.local_addr()?, socket)));
        match opened {
            Ok((endpoint, socket)) => {
                log::info!("Reader listening on {endpoint}");
                Ok(Self {
                    socket,
                    endpoint,
                    lease,
                })
            }
            Err(source) => Err(AssignError::Bind {
                endpoint: SocketAddr::new(ip, port),
                source,
            }),
        }
    }

    /// Where the socket listens, as getsockname(2) tells it.
    #[must_use]
    pub fn endpoint(&self) -> SocketAddr {
        self.endpoint
    }

    /// The socket and its hold on the port, for a loop that wraps the socket in a type of its own.
    ///
    /// Close the socket first, then drop the lease; a struct that has both lists the socket's field first.
    #[must_use]
    pub fn into_parts(self) -> (UdpSocket, Option<PortLease>) {
        (self.socket, self.lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::ports::PortPool;
    use crate::sync::Mutex;
    use std::fs;
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::os::fd::AsRawFd;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// The flags of open(2) that the kernel reports for a descriptor of this process.
    fn flags(socket: &UdpSocket) -> i32 {
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", socket.as_raw_fd())).unwrap();
        let octal = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
        i32::from_str_radix(octal.trim(), 8).unwrap()
    }

    /// Whether the kernel lets this process exceed net.core.rmem_max: CAP_NET_ADMIN where the network namespace was made.
    fn may_exceed_the_limit() -> bool {
        let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
        sockopt::force_receive_buffer(probe.as_fd(), 65_536).is_ok()
    }

    #[test]
    fn is_nonblocking_and_closed_on_exec() {
        let socket = bind(LOCALHOST, 0, 65_536).unwrap();
        let flags = flags(&socket);
        assert_ne!(flags & libc::O_CLOEXEC, 0, "{flags:o}");
        assert_ne!(flags & libc::O_NONBLOCK, 0, "{flags:o}");
    }

    #[test]
    fn the_receive_buffer_is_as_asked_where_allowed() {
        const ASKED: usize = 64 * 1024 * 1024;
        let socket = bind(LOCALHOST, 0, ASKED).unwrap();
        let granted = granted_receive_buffer_bytes(&socket).unwrap();
        if may_exceed_the_limit() {
            assert_eq!(granted, ASKED);
        } else {
            assert!(granted > 0 && granted <= ASKED, "{granted}");
        }
        let socket = bind(LOCALHOST, 0, 65_536).unwrap();
        assert_eq!(granted_receive_buffer_bytes(&socket).unwrap(), 65_536);
    }

    #[test]
    fn a_port_is_never_shared() {
        let first = bind(LOCALHOST, 0, 65_536).unwrap();
        let port = first.local_addr().unwrap().port();
        assert_eq!(
            bind(LOCALHOST, port, 65_536).unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
    }

    #[test]
    fn a_port_is_closed_before_it_is_free() {
        // Of 127/8, so that the port is free whoever else runs tests.
        let ip = "127.250.3.9".parse().unwrap();
        let pool = Arc::new(Mutex::new(PortPool::new(20_000, 20_000)));
        let lease = PortLease::take(&pool);
        let bound = BoundSocket::open(ip, 20_000, 65_536, lease).unwrap();
        let endpoint = bound.endpoint();

        let held_pool = pool.lock();
        let dropping = std::thread::spawn(move || drop(bound));
        let deadline = Instant::now() + Duration::from_secs(20);
        while UdpSocket::bind(endpoint).is_err() {
            assert!(Instant::now() < deadline, "the socket waits for the lease");
            std::thread::yield_now();
        }
        assert_eq!(held_pool.free(), 0);
        drop(held_pool);
        dropping.join().unwrap();
        assert_eq!(pool.lock().free(), 1);
    }

    #[test]
    fn an_address_of_another_machine_is_refused() {
        // TEST-NET-3 is nobody's.
        let error = BoundSocket::open("203.0.113.1".parse().unwrap(), 0, 65_536, None)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("203.0.113.1:0 cannot be bound: "), "{error}");
    }

    #[test]
    fn receives_over_both_protocols() {
        for ip in [LOCALHOST, IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            let bound = match BoundSocket::open(ip, 0, 65_536, None) {
                Ok(bound) => bound,
                Err(error) if ip.is_ipv6() => {
                    eprintln!("skipped: no IPv6 here: {error}");
                    continue;
                }
                Err(error) => panic!("{error}"),
            };
            assert_eq!(bound.endpoint().ip(), ip);
            let sender = UdpSocket::bind((ip, 0)).unwrap();
            sender.send_to(b"a:1|c", bound.endpoint()).unwrap();
            let (socket, lease) = bound.into_parts();
            assert!(lease.is_none());
            socket.set_nonblocking(false).unwrap();
            let mut received = [0; 16];
            assert_eq!(socket.recv(&mut received).unwrap(), 5);
        }
    }
}
