//! The connection to the collector: opened when it can be, and opened again when it ends (`reference/metrics.md` 1.21).

use super::queue::{Left, Queue, Rewound};
use crate::sys;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use stats_schema::Layout;
use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LAST_BACKOFF: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a collector may take to say that it acknowledges blocks. One that does says so at once.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// The same for one at an address where there was one before: it is starting, or starved.
const FIRST_WORD_AGAIN: Duration = Duration::from_secs(60);

/// Blocks given to the kernel with one call.
const BLOCKS_PER_WRITE: usize = 32;

enum State {
    Disconnected { retry_at: Instant },
    Open(Open),
}

struct Open {
    stream: TcpStream,
    /// Until the connection is established: when to give up.
    connect_deadline: Option<Instant>,
    header_written: usize,
    /// Until it is known whether the collector acknowledges: when it is taken for one that does not.
    silent_at: Option<Instant>,
    /// The beginning of a number that the collector is sending.
    word: [u8; 8],
    word_read: usize,
    /// Whether there was one.
    spoke: bool,
    /// Whether the kernel took all that was last written.
    writable: bool,
}

/// What happened on the connection, for the books.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) forwarded: Left,
    /// Datapoints that go once more, because the connection ended before they were acknowledged.
    pub(crate) again: u64,
    /// Blocks given up because connection after connection ended over them.
    pub(crate) refused: Left,
    pub(crate) connects: u64,
    pub(crate) disconnects: u64,
}

/// See the module's text.
pub(crate) struct Connection {
    address: SocketAddr,
    header: &'static [u8],
    /// Whether the header asks for acknowledgements.
    asks: bool,
    /// Whether the collector of the last connection acknowledged.
    acknowledged_before: bool,
    token: Token,
    state: State,
    backoff: Duration,
}

impl Connection {
    /// A connection that will be opened at the first [`turn`](Self::turn), for blocks of this layout.
    pub(crate) fn new(address: SocketAddr, layout: Layout, token: Token, now: Instant) -> Self {
        Self {
            address,
            header: layout.connection_header(),
            asks: layout.connection_header() != layout.header(),
            acknowledged_before: false,
            token,
            state: State::Disconnected { retry_at: now },
            backoff: FIRST_BACKOFF,
        }
    }

    /// The state by the name the old module's log used.
    pub(crate) fn state(&self) -> &'static str {
        match &self.state {
            State::Disconnected { .. } => "DISCONNECTED",
            State::Open(Open {
                connect_deadline: Some(_),
                ..
            }) => "CONNECT_IN_PROGRESS",
            State::Open(open) if open.header_written < self.header.len() => "CONNECTED_DATA_NOT_READY",
            State::Open(_) => "CONNECTED_DATA_READY",
        }
    }

    /// Whether blocks can be written, now or when the peer has read some.
    pub(crate) fn is_established(&self) -> bool {
        matches!(
            &self.state,
            State::Open(Open {
                connect_deadline: None,
                ..
            })
        )
    }

    /// When [`turn`](Self::turn) has something to do at the latest.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Disconnected { retry_at } => Some(*retry_at),
            State::Open(open) => open.connect_deadline.or(open.silent_at),
        }
    }

    /// Opens the connection when it is time, and gives up waiting for what takes too long.
    pub(crate) fn turn(
        &mut self,
        now: Instant,
        registry: &Registry,
        queue: &mut Queue,
        progress: &mut Progress,
    ) {
        match &mut self.state {
            State::Disconnected { retry_at } if now >= *retry_at => {
                log::debug!("Attempting to open connection to {}", self.address);
                let opened = TcpStream::connect(self.address).and_then(|mut stream| {
                    registry.register(&mut stream, self.token, Interest::READABLE | Interest::WRITABLE)?;
                    Ok(stream)
                });
                match opened {
                    Ok(stream) => {
                        let connect_deadline = Some(now + CONNECT_TIMEOUT);
                        self.state = State::Open(Open {
                            stream,
                            connect_deadline,
                            header_written: 0,
                            silent_at: None,
                            word: [0; 8],
                            word_read: 0,
                            spoke: false,
                            writable: false,
                        });
                    }
                    Err(error) => self.disconnected(&error, progress),
                }
            }
            State::Open(Open {
                connect_deadline: Some(deadline),
                ..
            }) if now >= *deadline => {
                self.disconnected(&io::Error::from(io::ErrorKind::TimedOut), progress);
            }
            State::Open(open) if open.silent_at.is_some_and(|silent_at| now >= silent_at) => {
                open.silent_at = None;
                self.acknowledged_before = false;
                progress.forwarded.add(queue.peer_is_silent());
            }
            _ => {}
        }
    }

    /// Takes an event of the socket.
    pub(crate) fn ready(&mut self, queue: &mut Queue, progress: &mut Progress) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        if open.connect_deadline.is_some() {
            match open
                .stream
                .take_error()
                .and_then(|error| error.map_or_else(|| open.stream.peer_addr(), Err))
            {
                Ok(_) => {
                    if let Err(error) = sys::sockopt::set_keepalive(open.stream.as_fd()) {
                        log::warn!("No keepalive for the connection to {}: {error}", self.address);
                    }
                    log::info!("Connected to collector at {}", self.address);
                    progress.connects += 1;
                    open.connect_deadline = None;
                    queue.connected(self.asks);
                    let patience = if self.acknowledged_before {
                        FIRST_WORD_AGAIN
                    } else {
                        FIRST_WORD
                    };
                    open.silent_at = self.asks.then(|| Instant::now() + patience);
                    self.backoff = FIRST_BACKOFF;
                }
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return,
                Err(error) => return self.disconnected(&error, progress),
            }
        }
        open.writable = true;
        let read = open.read(self.asks, queue, progress);
        self.acknowledged_before |= open.spoke;
        if let Err(error) = read {
            progress.rewound(queue.rewind());
            return self.disconnected(&error, progress);
        }
        self.write(queue, progress);
    }

    /// Writes as much of the queue as the kernel takes.
    pub(crate) fn write(&mut self, queue: &mut Queue, progress: &mut Progress) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        while open.writable && (open.header_written < self.header.len() || queue.is_writable()) {
            let header = &self.header[open.header_written..];
            let result = if header.is_empty() {
                let mut slices = [IoSlice::new(&[]); BLOCKS_PER_WRITE];
                let count = queue.slices(&mut slices);
                open.stream.write_vectored(&slices[..count])
            } else {
                open.stream.write(header)
            };
            match result {
                Ok(count) if header.is_empty() => progress.forwarded.add(queue.written(count)),
                Ok(count) => open.header_written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => open.writable = false,
                Err(error) => {
                    // What it said before it went.
                    let _ = open.read(self.asks, queue, progress);
                    progress.rewound(queue.rewind());
                    return self.disconnected(&error, progress);
                }
            }
        }
    }

    fn disconnected(&mut self, error: &io::Error, progress: &mut Progress) {
        // The first failure and the loss of a connection are news; that it still is away is not.
        let level = if self.backoff == FIRST_BACKOFF {
            log::Level::Info
        } else {
            log::Level::Debug
        };
        log::log!(
            level,
            "Scheduling reconnect to {} in {} seconds: {error}. This is expected if no Metrics Collector is running on this agent.",
            self.address,
            self.backoff.as_secs()
        );
        progress.disconnects += 1;
        self.state = State::Disconnected {
            retry_at: Instant::now() + self.backoff,
        };
        self.backoff = (self.backoff * 2).min(LAST_BACKOFF);
    }
}

impl Progress {
    fn rewound(&mut self, rewound: Rewound) {
        self.again += rewound.again;
        self.refused.add(rewound.refused);
    }
}

impl Left {
    fn add(&mut self, other: Self) {
        self.blocks += other.blocks;
        self.datapoints += other.datapoints;
        self.bytes += other.bytes;
    }
}

impl Open {
    /// Reads what the collector says. Most say nothing, but that they closed the connection shows as the end of their
    /// silence: without reading, the next block would be written to nobody, and be lost without an error.
    fn read(&mut self, asks: bool, queue: &mut Queue, progress: &mut Progress) -> io::Result<()> {
        let mut input = [0; 512];
        // Bounded, so that a peer that sends without end can't hold the loop. What it leaves unread would hide the end from
        // us. A collector's acknowledgements never are so many at once.
        for _ in 0..64 {
            let count = match self.stream.read(&mut input) {
                Ok(0) => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the collector closed the connection",
                    ));
                }
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            if !asks {
                continue;
            }
            for &byte in &input[..count] {
                self.word[self.word_read] = byte;
                self.word_read = (self.word_read + 1) % self.word.len();
                if self.word_read == 0 {
                    self.silent_at = None;
                    self.spoke = true;
                    let left = queue
                        .acknowledged(u64::from_be_bytes(self.word))
                        .map_err(io::Error::other)?;
                    progress.forwarded.add(left);
                }
            }
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it sends data without end, which no collector does",
        ))
    }
}
