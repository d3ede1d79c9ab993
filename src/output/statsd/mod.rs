//! The StatsD output: tagged lines in UDP datagrams to one destination.

mod chunk;
mod destination;
mod resolver;

use crate::accounting::StatsdAccounting;
use crate::parameters::StatsdOutput as Parameters;
use crate::statsd::lines::Line;
use crate::statsd::tag::{Rendered, Tagged, Tagger};
use chunk::{Chunk, Full, TooLong};
use destination::Destination;
use mio::Waker;
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What waits in the chunk is sent at least this often, at fixed times that traffic does not move
/// (`reference/metrics.md` 1.16.3). No parameter ever changed it.
const FLUSH: Duration = Duration::from_secs(1);

/// Lines on their way to the destination.
pub(crate) struct StatsdOutput {
    tagger: Tagger,
    chunk: Chunk,
    destination: Destination,
    next_flush: Instant,
    accounting: StatsdAccounting,
}

impl StatsdOutput {
    pub(crate) fn new(parameters: &Parameters, now: Instant, waker: Arc<Waker>) -> io::Result<Self> {
        Ok(Self {
            tagger: Tagger {
                annotation: parameters.annotation,
                order: parameters.tag_order,
            },
            chunk: Chunk::new(parameters.chunk_bytes),
            destination: Destination::new(&parameters.host, parameters.port, parameters.refresh, now, waker)?,
            next_flush: now + FLUSH,
            accounting: StatsdAccounting::default(),
        })
    }

    /// How this output annotates lines.
    pub(crate) fn tagger(&self) -> Tagger {
        self.tagger
    }

    /// Takes a line with its container's annotation.
    pub(crate) fn line(&mut self, line: Line<'_>, rendered: &Rendered) {
        self.tagged(&self.tagger.tag(line, rendered));
    }

    /// Takes a line that is no container's.
    pub(crate) fn line_of_module(&mut self, line: Line<'_>) {
        self.tagged(&Tagged {
            pieces: [line.bytes, b"", b"", b""],
            annotated: true,
        });
    }

    fn tagged(&mut self, tagged: &Tagged<'_>) {
        self.accounting.lines += 1;
        self.accounting.lines_not_annotated += u64::from(!tagged.annotated);
        let (socket, accounting) = (self.destination.socket(), &mut self.accounting);
        let added = self.chunk.add(tagged, |full| send(socket, full, accounting));
        if added == Err(TooLong) {
            self.accounting.lines_dropped.too_long += 1;
            self.accounting.bytes_dropped += tagged.len() as u64;
        }
    }

    /// When [`turn`](Self::turn) has something to do at the latest.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let flush = (self.chunk.lines() > 0).then_some(self.next_flush);
        [flush, self.destination.deadline()].into_iter().flatten().min()
    }

    /// Does what the time asks for: flush, lookups.
    pub(crate) fn turn(&mut self, now: Instant) {
        self.destination.turn(now);
        if now >= self.next_flush {
            self.flush();
            let missed = now.duration_since(self.next_flush).as_secs();
            self.next_flush += FLUSH + Duration::from_secs(missed);
        }
    }

    /// Sends what waits in the chunk.
    pub(crate) fn flush(&mut self) {
        let (socket, accounting) = (self.destination.socket(), &mut self.accounting);
        self.chunk.flush(|full| send(socket, full, accounting));
    }

    /// The counters as of now.
    pub(crate) fn accounting(&self) -> StatsdAccounting {
        StatsdAccounting {
            lines_pending: self.chunk.lines(),
            ..self.accounting.clone()
        }
    }
}

fn send(socket: Option<&UdpSocket>, full: Full<'_>, accounting: &mut StatsdAccounting) {
    let bytes = full.bytes.len() as u64;
    let Some(socket) = socket else {
        accounting.lines_dropped.no_destination += full.lines;
        accounting.bytes_dropped += bytes;
        return;
    };
    let mut result = socket.send(full.bytes);
    if matches!(&result, Err(error) if error.kind() == io::ErrorKind::ConnectionRefused) {
        // The answer to an earlier datagram; this one was not sent yet.
        accounting.datagrams_refused += 1;
        result = socket.send(full.bytes);
    }
    if let Err(error) = result {
        let drops = &mut accounting.lines_dropped;
        match error.kind() {
            io::ErrorKind::WouldBlock => drops.send_buffer_full += full.lines,
            _ => drops.send_failed += full.lines,
        }
        accounting.bytes_dropped += bytes;
        log::debug!("A datagram of {bytes} bytes could not be sent: {error}");
        return;
    }
    accounting.lines_forwarded += full.lines;
    accounting.datagrams_forwarded += 1;
    accounting.bytes_forwarded += bytes;
}
