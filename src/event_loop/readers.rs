//! All endpoints: whose they are, and their sockets in turn, at most [`BATCH`] datagrams of each.

use super::attribution::Attribution;
use super::outputs::Outputs;
use super::reader::Reader;
use crate::accounting::Accounting;
use crate::container::{Container, ContainerId};
use crate::endpoint::socket::BoundSocket;
use crate::statsd::tag::Tagger;
use crate::sys::mmsg::{BATCH, ReceiveBuffers};
use mio::{Interest, Registry, Token};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How often the kernel is asked for the drops of the sockets that received something.
const DROPS_PERIOD: Duration = Duration::from_secs(1);

/// The most batches taken from a socket that is about to be closed: more than its receive buffer holds, less than a sender
/// that does not stop could make of it.
const LAST_BATCHES: usize = 1024;

/// Datagrams received but not yet handed on.
struct InHand {
    reader: usize,
    next: usize,
    count: usize,
    now_ms: i64,
}

/// See the module's text.
pub(super) struct Readers {
    /// Token of the first; the others' follow.
    first_token: usize,
    /// Every reader has its index as long as it is there.
    readers: Vec<Option<Reader>>,
    free: Vec<usize>,
    by_container: HashMap<ContainerId, usize>,
    /// Sockets that may have more to read, in the order they get their turns.
    ready: VecDeque<usize>,
    buffers: ReceiveBuffers,
    in_hand: Option<InHand>,
    is_in_datagram: bool,
    container_limit: Option<u64>,
    tagger: Option<Tagger>,
    next_drops: Option<Instant>,
}

impl Readers {
    /// No readers yet. `container_limit` is in bytes a period; the tagger is the StatsD output's.
    pub(super) fn new(first_token: usize, container_limit: Option<u64>, tagger: Option<Tagger>) -> Self {
        Self {
            first_token,
            readers: Vec::new(),
            free: Vec::new(),
            by_container: HashMap::new(),
            ready: VecDeque::new(),
            buffers: ReceiveBuffers::new(),
            in_hand: None,
            is_in_datagram: false,
            container_limit,
            tagger,
            next_drops: None,
        }
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Reader> {
        self.readers.iter_mut().flatten()
    }

    pub(super) fn count(&self) -> usize {
        self.readers.iter().flatten().count()
    }

    /// When the kernel is to be asked for its drops.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.next_drops
    }

    /// Whether a socket is known to have more to read.
    pub(super) fn is_any_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes note that the socket of this token has something.
    pub(super) fn make_ready(&mut self, token: usize) {
        let index = token - self.first_token;
        if let Some(Some(reader)) = self.readers.get_mut(index)
            && !reader.is_ready
        {
            reader.is_ready = true;
            self.ready.push_back(index);
        }
    }

    /// Gives each socket that has something one batch; whether there was any.
    pub(super) fn read_ready(&mut self, outputs: &mut Outputs, accounting: &mut Accounting) -> bool {
        let turns = self.ready.len();
        for _ in 0..turns {
            let Some(index) = self.ready.pop_front() else {
                break;
            };
            let more = self.read_batch(index, outputs, accounting);
            if let Some(reader) = &mut self.readers[index] {
                reader.is_ready = more;
                if more {
                    self.ready.push_back(index);
                }
            }
        }
        turns > 0
    }

    /// Reads one batch of a socket; whether there may be more.
    fn read_batch(&mut self, index: usize, outputs: &mut Outputs, accounting: &mut Accounting) -> bool {
        let Some(reader) = &mut self.readers[index] else {
            return false;
        };
        match self.buffers.receive(reader.socket.as_fd()) {
            Ok(count) => {
                reader.is_touched = true;
                self.next_drops
                    .get_or_insert_with(|| Instant::now() + DROPS_PERIOD);
                accounting.datagrams_received += count as u64;
                self.in_hand = Some(InHand {
                    reader: index,
                    next: 0,
                    count,
                    now_ms: super::now_ms(),
                });
                self.hand_on(outputs, accounting);
                count == BATCH
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => true,
            Err(error) => {
                // Errors of UDP sockets belong to one datagram. The old system stopped reading here for good.
                accounting.receive_errors += 1;
                log::warn!("Receiving at {} failed once: {error}", reader.endpoint);
                true
            }
        }
    }

    /// Hands on what was received, from where it stopped.
    pub(super) fn hand_on(&mut self, outputs: &mut Outputs, accounting: &mut Accounting) {
        let Some(in_hand) = &mut self.in_hand else { return };
        if let Some(reader) = &mut self.readers[in_hand.reader] {
            while in_hand.next < in_hand.count {
                let datagram = self.buffers.datagram(in_hand.next);
                in_hand.next += 1;
                self.is_in_datagram = true;
                reader.datagram(
                    datagram,
                    self.container_limit,
                    in_hand.now_ms,
                    outputs,
                    accounting,
                );
                self.is_in_datagram = false;
            }
        }
        self.in_hand = None;
    }

    /// Whether a datagram was left in the middle, which will not be taken up again: there was a panic.
    pub(super) fn forget_datagram(&mut self) -> bool {
        std::mem::take(&mut self.is_in_datagram)
    }

    /// Reads all that a socket holds now.
    fn drain(&mut self, index: usize, outputs: &mut Outputs, accounting: &mut Accounting) {
        for _ in 0..LAST_BATCHES {
            if !self.read_batch(index, outputs, accounting) {
                break;
            }
        }
        if let Some(reader) = &mut self.readers[index] {
            accounting.kernel_drops += u64::from(reader.new_kernel_drops());
        }
    }

    /// Reads all that the sockets hold now.
    pub(super) fn drain_all(&mut self, outputs: &mut Outputs, accounting: &mut Accounting) {
        self.hand_on(outputs, accounting);
        for index in 0..self.readers.len() {
            self.drain(index, outputs, accounting);
        }
    }

    /// Asks the kernel for its drops, if it is time.
    pub(super) fn ask_for_drops(&mut self, now: Instant, accounting: &mut Accounting) {
        if self.next_drops.is_none_or(|at| now < at) {
            return;
        }
        self.next_drops = None;
        for reader in self.iter_mut().filter(|reader| reader.is_touched) {
            let drops = reader.new_kernel_drops();
            if drops > 0 {
                accounting.kernel_drops += u64::from(drops);
                log::warn!(
                    "The kernel dropped {drops} datagrams at {}: its receive buffer was full",
                    reader.endpoint
                );
            }
        }
    }

    /// Reads this socket from now on; the registry is that of the loop's events.
    pub(super) fn open(
        &mut self,
        registry: &Registry,
        container: Container,
        socket: BoundSocket,
        is_shared: bool,
        accounting: &mut Accounting,
    ) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.readers.push(None);
            self.readers.len() - 1
        });
        let id = container.id.clone();
        let mut reader = Reader::new(socket, container, is_shared, self.tagger);
        let token = Token(index + self.first_token);
        if let Err(error) = registry.register(&mut reader.socket, token, Interest::READABLE) {
            log::error!(
                "Container {id} goes unheard: its socket {} can't be watched: {error}",
                reader.endpoint
            );
            self.free.push(index);
            return;
        }
        log::debug!("Reader listening on {} for container {id}", reader.endpoint);
        self.readers[index] = Some(reader);
        self.by_container.insert(id, index);
        accounting.endpoints_opened += 1;
    }

    /// Whom a shared socket's next lines are from changes now, so what it holds is read before.
    pub(super) fn join(&mut self, container: Container, outputs: &mut Outputs, accounting: &mut Accounting) {
        // Only the mode `single` shares, and its socket is the first and stays.
        let Some(index) = self.readers.iter().position(Option::is_some) else {
            return;
        };
        self.drain(index, outputs, accounting);
        self.by_container.insert(container.id.clone(), index);
        if let Some(reader) = &mut self.readers[index] {
            reader.join(container);
        }
    }

    /// Reads what a container sent last; its socket closes, unless others share it.
    pub(super) fn leave(
        &mut self,
        container: &ContainerId,
        outputs: &mut Outputs,
        accounting: &mut Accounting,
    ) {
        let Some(index) = self.by_container.remove(container) else {
            return;
        };
        self.drain(index, outputs, accounting);
        let Some(reader) = &mut self.readers[index] else {
            return;
        };
        if reader.is_shared {
            reader.leave(container);
            return;
        }
        accounting.endpoints_closed += 1;
        self.readers[index] = None;
        self.free.push(index);
        self.ready.retain(|&ready| ready != index);
    }

    /// Hands on what was measured of a container at `time_ms`, in milliseconds since 1970.
    pub(super) fn usage(
        &mut self,
        container: &Container,
        time_ms: i64,
        gauges: &[(String, f64)],
        outputs: &mut Outputs,
        accounting: &mut Accounting,
    ) {
        let own = self.by_container.get(&container.id);
        let reader = own.and_then(|&index| self.readers[index].as_mut());
        let mut told;
        let attribution = match reader {
            // In the record of what the container sends itself.
            Some(reader) if !reader.is_shared => &mut reader.attribution,
            _ => {
                told = Attribution::new(std::slice::from_ref(container), self.tagger);
                &mut told
            }
        };
        for (name, value) in gauges {
            accounting.lines_generated += 1;
            outputs.gauge(name, *value, attribution, time_ms);
        }
    }
}
