//! Many datagrams for one system call: `recvmmsg` into buffers that live as long as the loop.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// Datagrams taken by one call.
pub(crate) const BATCH: usize = 64;

/// More than any UDP datagram but an IPv6 jumbogram can hold.
const BUFFER_BYTES: usize = 65_536;

/// The distance between two buffers. A power of two would map the first bytes of all buffers to the same few cache
/// sets, and those bytes are the ones that are read.
const STRIDE: usize = BUFFER_BYTES + 1_600;

/// One received datagram.
#[derive(Clone, Copy)]
pub(crate) struct Datagram<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether the sender's datagram was longer than the buffer, so that its end is missing.
    pub(crate) truncated: bool,
}

/// Buffers for [`BATCH`] datagrams. Their pages cost no memory before a datagram has touched them.
pub(crate) struct ReceiveBuffers {
    // The headers point at the vectors, which point at the bytes. All three are on the heap and never resized, so the
    // pointers hold when this struct moves.
    headers: Box<[libc::mmsghdr]>,
    _vectors: Box<[libc::iovec]>,
    bytes: Box<[u8]>,
}

// SAFETY: the raw pointers in the headers and vectors lead only to memory this struct owns, and are followed only by the
// kernel during `receive`, which has `&mut self`.
unsafe impl Send for ReceiveBuffers {}

impl ReceiveBuffers {
    pub(crate) fn new() -> Self {
        let mut bytes = vec![0_u8; BATCH * STRIDE].into_boxed_slice();
        let mut vectors: Box<[libc::iovec]> = bytes
            .chunks_exact_mut(STRIDE)
            .map(|buffer| libc::iovec {
                iov_base: buffer.as_mut_ptr().cast(),
                iov_len: BUFFER_BYTES,
            })
            .collect();
        let headers = vectors
            .iter_mut()
            .map(|vector| {
                // SAFETY: mmsghdr is plain old data for which all-zero bytes are a valid value: null pointers, zero lengths.
                let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
                header.msg_hdr.msg_iov = ptr::from_mut(vector);
                header.msg_hdr.msg_iovlen = 1;
                header
            })
            .collect();
        Self {
            headers,
            _vectors: vectors,
            bytes,
        }
    }

    /// Takes what the socket holds, at most [`BATCH`] datagrams, without waiting. The number taken; fewer than `BATCH`
    /// means that the socket was empty afterwards.
    ///
    /// # Errors
    /// Those of recvmmsg(2); an empty socket is `WouldBlock`.
    #[expect(clippy::cast_possible_truncation, reason = "BATCH headers")]
    pub(crate) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        // SAFETY: `headers` has BATCH valid headers, each with one vector to BUFFER_BYTES bytes that no other buffer shares
        // and that live as long as `self`; name and control are null with zero length; the timeout may be null.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        usize::try_from(received).map_err(|_| io::Error::last_os_error())
    }

    /// The datagram at `index` below the number that the last [`receive`](Self::receive) returned.
    pub(crate) fn datagram(&self, index: usize) -> Datagram<'_> {
        let header = &self.headers[index];
        let start = index * STRIDE;
        let length = (header.msg_len as usize).min(BUFFER_BYTES);
        Datagram {
            bytes: &self.bytes[start..start + length],
            truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    #[test]
    fn takes_datagrams_in_order_until_the_socket_is_empty() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        let mut buffers = ReceiveBuffers::new();
        assert_eq!(
            buffers.receive(receiver.as_fd()).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );

        let longest = vec![b'x'; 65_507];
        for sent in [&b"a"[..], b"", b"\x00\xff", &longest] {
            sender.send(sent).unwrap();
        }
        assert_eq!(buffers.receive(receiver.as_fd()).unwrap(), 4);
        let mut moved = Box::new(buffers);
        for (index, sent) in [&b"a"[..], b"", b"\x00\xff", &longest].into_iter().enumerate() {
            assert_eq!(moved.datagram(index).bytes, sent);
            assert!(!moved.datagram(index).truncated);
        }
        sender.send(b"after the move").unwrap();
        assert_eq!(moved.receive(receiver.as_fd()).unwrap(), 1);
        assert_eq!(moved.datagram(0).bytes, b"after the move");
    }

    #[test]
    fn a_cut_datagram_says_so() {
        // A unix datagram socket may carry more than a buffer holds, which UDP without jumbograms can't.
        let (sender, receiver) = std::os::unix::net::UnixDatagram::pair().unwrap();
        sender.send(&vec![b'y'; BUFFER_BYTES + 10]).unwrap();
        let mut buffers = ReceiveBuffers::new();
        assert_eq!(buffers.receive(receiver.as_fd()).unwrap(), 1);
        assert!(buffers.datagram(0).truncated);
        assert_eq!(buffers.datagram(0).bytes.len(), BUFFER_BYTES);
    }
}
