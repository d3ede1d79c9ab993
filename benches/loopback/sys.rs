//! What only the operating system can do for a benchmark: one CPU for a process, its CPU time, many datagrams a call.
#![allow(unsafe_code)]

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Duration;

/// From linux/udp.h.
const UDP_SEGMENT: libc::c_int = 103;

/// Binds this process, and all threads it starts from now on, to one CPU.
///
/// # Errors
/// When the machine has no such CPU, or this process may not use it.
pub(crate) fn pin(cpu: usize) -> io::Result<()> {
    // SAFETY: cpu_set_t is plain old data for which all-zero bytes are the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    assert!(
        cpu < libc::CPU_SETSIZE as usize,
        "CPU {cpu} is beyond a cpu_set_t"
    );
    // SAFETY: CPU_SET writes one bit of `set`, which has room for CPU_SETSIZE of them; the assertion keeps it inside.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the kernel reads `size_of_val(&set)` bytes from `set`, which lives through the call.
    match unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) } {
        0 => Ok(()),
        _ => Err(io::Error::other(format!(
            "this process can't run on CPU {cpu}, and two are needed: {}",
            io::Error::last_os_error()
        ))),
    }
}

/// Puts this process, and all threads it starts from now on, before all others that want the same CPU, as far as it may: a
/// sender that does not get the CPU in time sends bursts instead of a flow. (Niceness would not do: with
/// `sched_autogroup_enabled` it only counts among processes of the same terminal.)
pub(crate) fn prefer() {
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: the kernel reads one sched_param, which lives through the call. Without the privilege the call changes
    // nothing, and the figures are those of the machine as busy as it is.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_RR, &raw const priority) };
}

/// CPU time of all threads of this process so far, in user mode and in the kernel.
pub(crate) fn cpu_time() -> Duration {
    // SAFETY: rusage is plain old data for which all-zero bytes are a valid value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one rusage to `usage`. With RUSAGE_SELF and a valid pointer the call can't fail.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    let micros = |time: libc::timeval| {
        let micros = time.tv_sec * 1_000_000 + time.tv_usec;
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    };
    micros(usage.ru_utime) + micros(usage.ru_stime)
}

/// Makes the kernel cut what is sent on the socket into datagrams of `bytes`: one call then sends dozens.
///
/// # Errors
/// Those of setsockopt(2); kernels before 4.18 do not know the option.
#[expect(clippy::cast_possible_truncation, reason = "an int has four bytes")]
pub(crate) fn set_segment_size(socket: &UdpSocket, bytes: u16) -> io::Result<()> {
    let value = libc::c_int::from(bytes);
    // SAFETY: the kernel reads `size_of_val(&value)` bytes from `value`, which lives through the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_UDP,
            UDP_SEGMENT,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Datagrams taken by one call, as many as the core takes.
pub(crate) const BATCH: usize = 64;

/// More than any UDP datagram but an IPv6 jumbogram can hold: a StatsD server has to take them all.
const BUFFER_BYTES: usize = 65_536;

/// As in the core: a power of two would map the first bytes of all buffers to the same few cache sets.
const STRIDE: usize = BUFFER_BYTES + 1_600;

/// Buffers for [`BATCH`] datagrams.
pub(crate) struct ReceiveBuffers {
    // The headers point at the vectors, which point at the bytes; all three are on the heap and never resized.
    headers: Box<[libc::mmsghdr]>,
    _vectors: Box<[libc::iovec]>,
    bytes: Box<[u8]>,
}

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

    /// Takes what the socket holds, at most [`BATCH`] datagrams, without waiting; how many.
    ///
    /// # Errors
    /// Those of recvmmsg(2); an empty socket is `WouldBlock`.
    #[expect(clippy::cast_possible_truncation, reason = "BATCH is small")]
    pub(crate) fn receive(&mut self, socket: &impl AsRawFd) -> io::Result<usize> {
        // SAFETY: `headers` has BATCH valid headers, each with one vector to BUFFER_BYTES bytes that no other shares and
        // that live as long as `self`; name and control are null with zero length; the timeout may be null.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        usize::try_from(received).map_err(|_| io::Error::last_os_error())
    }

    /// The bytes of one of the datagrams that the last [`receive`](Self::receive) took.
    pub(crate) fn datagram(&self, index: usize) -> &[u8] {
        let start = index * STRIDE;
        &self.bytes[start..start + (self.headers[index].msg_len as usize).min(BUFFER_BYTES)]
    }
}
