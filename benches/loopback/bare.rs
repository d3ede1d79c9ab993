//! The unavoidable work, and nothing else: what the core is compared with.
//!
//! Datagrams are received, cut into lines at line feeds, copied with the same tags behind each into a chunk, and the chunk is
//! sent when it is full. No sections are looked for, nothing is limited, timed, or counted but lines and datagrams.

use crate::sys::{BATCH, ReceiveBuffers};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How long the core waits for more after it read something (`GATHER` in `src/event_loop`).
const GATHER: Duration = Duration::from_micros(1000);

/// What is done with lines.
pub(crate) enum Work {
    /// They are tagged and sent on, in chunks below [`CHUNK_BYTES`].
    Forward(std::net::UdpSocket),
    /// They are not even looked at.
    Discard,
}

/// When sockets are looked at again.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Wait {
    /// As soon as there is something.
    Woken,
    /// As the core does it: after a pause in which datagrams gather.
    Gathering,
}

/// The bound of a chunk: what fits in an Ethernet frame on every path.
pub(crate) const CHUNK_BYTES: usize = 1432;

/// What the loop has seen, for another thread to read.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) datagrams: AtomicU64,
    /// 0 where they are discarded.
    pub(crate) lines: AtomicU64,
}

/// Reads the sockets until one fails.
pub(crate) fn run(
    sockets: Vec<std::net::UdpSocket>,
    tags: &[u8],
    work: &Work,
    wait: Wait,
    seen: &Seen,
) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut readers = Vec::new();
    for (index, socket) in sockets.into_iter().enumerate() {
        let mut socket = UdpSocket::from_std(socket);
        poll.registry()
            .register(&mut socket, Token(index), Interest::READABLE)?;
        readers.push(socket);
    }
    let mut events = Events::with_capacity(256);
    let mut buffers = ReceiveBuffers::new();
    let mut chunk = Chunk {
        bytes: [0; CHUNK_BYTES],
        used: 0,
    };
    let mut ready: VecDeque<usize> = VecDeque::new();
    let mut is_ready = vec![false; readers.len()];
    loop {
        let was_busy = !ready.is_empty();
        for _ in 0..ready.len() {
            let Some(index) = ready.pop_front() else { break };
            let count = match buffers.receive(&readers[index]) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
            is_ready[index] = count == BATCH;
            if is_ready[index] {
                ready.push_back(index);
            }
            let mut lines = 0;
            if let Work::Forward(output) = work {
                for at in 0..count {
                    let mut rest = buffers.datagram(at);
                    while !rest.is_empty() {
                        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                        chunk.add(&rest[..end], tags, output)?;
                        rest = rest.get(end + 1..).unwrap_or(b"");
                        lines += 1;
                    }
                }
            }
            seen.datagrams.fetch_add(count as u64, Ordering::Relaxed);
            seen.lines.fetch_add(lines, Ordering::Relaxed);
        }
        let timeout = if ready.is_empty() {
            if was_busy && wait == Wait::Gathering {
                thread::sleep(GATHER);
            }
            None
        } else {
            Some(Duration::ZERO)
        };
        poll.poll(&mut events, timeout)?;
        for event in &events {
            let Token(index) = event.token();
            if !is_ready[index] {
                is_ready[index] = true;
                ready.push_back(index);
            }
        }
    }
}

struct Chunk {
    bytes: [u8; CHUNK_BYTES],
    used: usize,
}

impl Chunk {
    fn add(&mut self, line: &[u8], tags: &[u8], output: &std::net::UdpSocket) -> io::Result<()> {
        let length = line.len() + tags.len();
        if self.used > 0 && self.used + 1 + length >= CHUNK_BYTES {
            output.send(&self.bytes[..self.used])?;
            self.used = 0;
        }
        if self.used > 0 {
            self.bytes[self.used] = b'\n';
            self.used += 1;
        }
        let (line_end, end) = (self.used + line.len(), self.used + length);
        self.bytes[self.used..line_end].copy_from_slice(line);
        self.bytes[line_end..end].copy_from_slice(tags);
        self.used = end;
        Ok(())
    }
}
