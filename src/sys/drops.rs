//! How many datagrams the kernel threw away because a socket's receive buffer was full.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Of the numbers that `SO_MEMINFO` returns, the place of the drops (linux/sock_diag.h).
const DROPS: usize = libc::SK_MEMINFO_DROPS as usize;
const FIELDS: usize = 9;

#[expect(clippy::cast_possible_truncation, reason = "36 bytes")]
const BYTES: libc::socklen_t = size_of::<[u32; FIELDS]>() as libc::socklen_t;

/// From asm-generic/socket.h; the libc crate lacks it.
const SO_MEMINFO: libc::c_int = 55;

/// The socket's drop counter. It starts at 0 and wraps after `u32::MAX`.
///
/// # Errors
/// Those of getsockopt(2); kernels before 4.12 do not know the option.
pub(crate) fn receive_drops(socket: BorrowedFd<'_>) -> io::Result<u32> {
    let mut fields = [0_u32; FIELDS];
    let mut length = BYTES;
    // SAFETY: the kernel writes at most `length` bytes to `fields`, which has just that size, and then sets `length`.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_MEMINFO,
            fields.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(fields[DROPS])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    #[test]
    fn counts_what_did_not_fit() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        assert_eq!(receive_drops(receiver.as_fd()).unwrap(), 0);
        // The largest buffer rmem_max allows by default still holds fewer datagrams of this size.
        let datagram = vec![0; 60_000];
        let mut dropped = 0;
        for _ in 0..10_000 {
            sender.send(&datagram).unwrap();
            dropped = receive_drops(receiver.as_fd()).unwrap();
            if dropped > 0 {
                break;
            }
        }
        assert!(dropped > 0);
    }
}
