//! Options of sockets. The size of a receive buffer is in the unit in which it is asked for: the kernel reserves twice that,
//! for its own bookkeeping, and that double is what it reports (socket(7)).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// All options here have the type int.
#[expect(clippy::cast_possible_truncation, reason = "an int has four bytes")]
const INT_BYTES: libc::socklen_t = size_of::<libc::c_int>() as libc::socklen_t;

/// Sets the receive buffer to `bytes`, beyond net.core.rmem_max if need be.
///
/// # Errors
/// `PermissionDenied` without CAP_NET_ADMIN in the socket's network namespace.
pub(crate) fn force_receive_buffer(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    set(socket, libc::SO_RCVBUFFORCE, bytes)
}

/// Sets the receive buffer to `bytes`, or to net.core.rmem_max where that is less, without an error.
///
/// # Errors
/// Those of setsockopt(2); none that a valid socket can cause.
pub(crate) fn request_receive_buffer(socket: BorrowedFd<'_>, bytes: usize) -> io::Result<()> {
    set(socket, libc::SO_RCVBUF, bytes)
}

/// Makes the kernel probe a silent TCP connection.
///
/// # Errors
/// Those of setsockopt(2); none that a valid TCP socket can cause.
pub(crate) fn set_keepalive(socket: BorrowedFd<'_>) -> io::Result<()> {
    set(socket, libc::SO_KEEPALIVE, 1)
}

/// The size of the receive buffer in bytes.
///
/// # Errors
/// Those of getsockopt(2); none that a valid socket can cause.
pub(crate) fn receive_buffer(socket: BorrowedFd<'_>) -> io::Result<usize> {
    let mut doubled: libc::c_int = 0;
    let mut length = INT_BYTES;
    // SAFETY: the kernel writes at most `length` bytes to `doubled`, which has just that size, and then sets `length`.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVBUF,
            (&raw mut doubled).cast(),
            &raw mut length,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(usize::try_from(doubled).unwrap_or(0) / 2)
}

fn set(socket: BorrowedFd<'_>, option: libc::c_int, value: usize) -> io::Result<()> {
    // The kernel itself stops at half of c_int's range for buffers, so asking for more than it can express loses nothing.
    let value = libc::c_int::try_from(value).unwrap_or(libc::c_int::MAX);
    // SAFETY: the kernel reads `INT_BYTES` bytes from `value`, an int that lives through the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const value).cast(),
            INT_BYTES,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    #[test]
    fn what_is_granted_has_the_unit_of_what_is_asked() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for bytes in [4_096, 65_536, 100_000] {
            request_receive_buffer(socket.as_fd(), bytes).unwrap();
            assert_eq!(receive_buffer(socket.as_fd()).unwrap(), bytes);
        }
    }

    #[test]
    fn a_request_stops_at_the_system_limit() {
        let Ok(limit) = std::fs::read_to_string("/proc/sys/net/core/rmem_max") else {
            eprintln!("skipped: this network namespace does not show net.core.rmem_max");
            return;
        };
        let limit: usize = limit.trim().parse().unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for bytes in [limit + 4_096, usize::MAX] {
            request_receive_buffer(socket.as_fd(), bytes).unwrap();
            assert_eq!(receive_buffer(socket.as_fd()).unwrap(), limit);
        }
    }
}
