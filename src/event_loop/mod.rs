//! The one thread that does the module's work: it reads the endpoints, hands lines to the outputs and keeps the books.
//!
//! A turn of the loop reads every socket that has something, at most [`BATCH`] datagrams each, so that one flooding
//! container costs the others one batch of waiting and no more. Then the outputs get their turn, then the loop sleeps until a
//! socket, a command or a deadline wants it. With nothing to do there is no deadline but the reports', a minute apart.
//!
//! A panic is a fault of this program that must not become one of the agent: it is caught outside of the turns, the datagram
//! at which it happened is skipped and counted, and the loop goes on with the sockets it has.

mod attribution;
mod command;
mod outputs;
mod reader;
mod report;
mod summary;

pub(crate) use command::Command;

use crate::accounting::Accounting;
use crate::container::{Container, ContainerId};
use crate::endpoint::socket::BoundSocket;
use crate::output::collector::CollectorOutput;
use crate::output::statsd::StatsdOutput;
use crate::parameters::Parameters;
use crate::statsd::tag::Tagger;
use crate::sync::mpsc::{Receiver, TryRecvError};
use crate::sync::{thread, wait};
use crate::sys::mmsg::{BATCH, ReceiveBuffers};
use attribution::Attribution;
use mio::{Events, Interest, Poll, Token, Waker};
use outputs::Outputs;
use reader::Reader;
use report::Reports;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const WAKER: Token = Token(0);
const COLLECTOR: Token = Token(1);
const FIRST_READER: usize = 2;

/// After a turn that read something the loop waits this long before it looks again. Datagrams that come alone then are read
/// together, without a wake-up for each, which is half of what receiving costs. Buffers hold many times as many
/// as can come meanwhile.
const GATHER: Duration = Duration::from_micros(1000);

/// How often the kernel is asked for the drops of the sockets that received something.
const DROPS_PERIOD: Duration = Duration::from_secs(1);

/// The most batches taken from a socket that is about to be closed: more than its receive buffer holds, less than a sender
/// that does not stop could make of it.
const LAST_BATCHES: usize = 1024;

/// How long the end waits for a collector that is still reading.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// After a panic the loop waits so long, lest it become a busy one.
const PANIC_PAUSE: Duration = Duration::from_millis(100);

/// Datagrams received but not yet handed on.
struct InHand {
    reader: usize,
    next: usize,
    count: usize,
    now_ms: i64,
}

/// See the module's text.
pub(crate) struct EventLoop {
    poll: Poll,
    commands: Receiver<Command>,
    readers: Vec<Option<Reader>>,
    free: Vec<usize>,
    by_container: HashMap<ContainerId, usize>,
    /// Sockets that may have more to read, in the order they get their turns.
    ready: VecDeque<usize>,
    buffers: ReceiveBuffers,
    in_hand: Option<InHand>,
    is_in_datagram: bool,
    outputs: Outputs,
    container_limit: Option<u64>,
    next_drops: Option<Instant>,
    reports: Reports,
    accounting: Accounting,
    stop: bool,
}

impl EventLoop {
    /// A loop that `run` will run. The waker is for those who send commands.
    pub(crate) fn new(
        parameters: &Parameters,
        commands: Receiver<Command>,
    ) -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let now = Instant::now();
        let statsd = parameters
            .statsd
            .as_ref()
            .map(|statsd| StatsdOutput::new(statsd, now, Arc::clone(&waker)));
        let collector = parameters
            .collector
            .as_ref()
            .map(|collector| CollectorOutput::new(collector, COLLECTOR, now));
        let event_loop = Self {
            poll,
            commands,
            readers: Vec::new(),
            free: Vec::new(),
            by_container: HashMap::new(),
            ready: VecDeque::new(),
            buffers: ReceiveBuffers::new(),
            in_hand: None,
            is_in_datagram: false,
            outputs: Outputs {
                statsd: statsd.transpose()?,
                collector,
            },
            container_limit: parameters.container_limit,
            next_drops: None,
            reports: Reports::new(parameters, now),
            accounting: Accounting::default(),
            stop: false,
        };
        Ok((event_loop, waker))
    }

    /// Runs until told to stop; the final counters.
    pub(crate) fn run(mut self) -> Accounting {
        loop {
            // The state is looked at after a panic: every step leaves it such that the next can go on.
            match catch_unwind(AssertUnwindSafe(|| self.turns())) {
                Ok(Ok(())) => break,
                Ok(Err(error)) => {
                    log::error!("The event loop can't wait for its sockets, trying again: {error}");
                    thread::sleep(PANIC_PAUSE);
                }
                Err(_) => self.recover_from_panic(),
            }
        }
        if catch_unwind(AssertUnwindSafe(|| self.finish())).is_err() {
            self.recover_from_panic();
        }
        self.accounting()
    }

    fn recover_from_panic(&mut self) {
        self.accounting.panics += 1;
        self.accounting.datagrams_panicked += u64::from(std::mem::take(&mut self.is_in_datagram));
        log::error!("The metrics core panicked and goes on; please report it with the message on stderr.");
        thread::sleep(PANIC_PAUSE);
    }

    fn turns(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        // After a panic there are datagrams left that nobody would receive again.
        self.hand_on();
        loop {
            self.take_commands();
            if self.stop {
                return Ok(());
            }
            let was_busy = self.read_ready();
            let now = Instant::now();
            self.outputs.turn(now, self.poll.registry());
            self.ask_for_drops(now);
            self.reports
                .turn(now, &mut self.readers, &mut self.outputs, &mut self.accounting);

            let timeout = if !self.ready.is_empty() {
                Duration::ZERO
            } else {
                if was_busy {
                    thread::sleep(GATHER);
                }
                self.deadline().saturating_duration_since(Instant::now())
            };
            match wait(&mut self.poll, &mut events, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            for event in &events {
                match event.token() {
                    WAKER => {}
                    COLLECTOR => {
                        if let Some(collector) = &mut self.outputs.collector {
                            collector.ready();
                        }
                    }
                    Token(token) => self.make_ready(token - FIRST_READER),
                }
            }
        }
    }

    fn deadline(&self) -> Instant {
        let soonest = [self.outputs.deadline(), self.next_drops]
            .into_iter()
            .flatten()
            .min();
        soonest.map_or(self.reports.deadline(), |at| at.min(self.reports.deadline()))
    }

    fn make_ready(&mut self, index: usize) {
        if let Some(Some(reader)) = self.readers.get_mut(index)
            && !reader.is_ready
        {
            reader.is_ready = true;
            self.ready.push_back(index);
        }
    }

    /// Gives each socket that has something one batch; whether there was any.
    fn read_ready(&mut self) -> bool {
        let turns = self.ready.len();
        for _ in 0..turns {
            let Some(index) = self.ready.pop_front() else {
                break;
            };
            let more = self.read_batch(index);
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
    fn read_batch(&mut self, index: usize) -> bool {
        let Some(reader) = &mut self.readers[index] else {
            return false;
        };
        match self.buffers.receive(reader.socket.as_fd()) {
            Ok(count) => {
                reader.is_touched = true;
                self.next_drops
                    .get_or_insert_with(|| Instant::now() + DROPS_PERIOD);
                self.accounting.datagrams_received += count as u64;
                self.in_hand = Some(InHand {
                    reader: index,
                    next: 0,
                    count,
                    now_ms: now_ms(),
                });
                self.hand_on();
                count == BATCH
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => true,
            Err(error) => {
                // Errors of UDP sockets belong to one datagram. The old system stopped reading here for good.
                self.accounting.receive_errors += 1;
                log::warn!("Receiving at {} failed once: {error}", reader.endpoint);
                true
            }
        }
    }

    /// Hands on what was received, from where it stopped.
    fn hand_on(&mut self) {
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
                    &mut self.outputs,
                    &mut self.accounting,
                );
                self.is_in_datagram = false;
            }
        }
        self.in_hand = None;
    }

    /// Reads all that a socket holds now.
    fn drain(&mut self, index: usize) {
        for _ in 0..LAST_BATCHES {
            if !self.read_batch(index) {
                break;
            }
        }
        if let Some(reader) = &mut self.readers[index] {
            self.accounting.kernel_drops += u64::from(reader.new_kernel_drops());
        }
    }

    fn ask_for_drops(&mut self, now: Instant) {
        if self.next_drops.is_none_or(|at| now < at) {
            return;
        }
        self.next_drops = None;
        for reader in self
            .readers
            .iter_mut()
            .flatten()
            .filter(|reader| reader.is_touched)
        {
            let drops = reader.new_kernel_drops();
            if drops > 0 {
                self.accounting.kernel_drops += u64::from(drops);
                log::warn!(
                    "The kernel dropped {drops} datagrams at {}: its receive buffer was full",
                    reader.endpoint
                );
            }
        }
    }

    fn take_commands(&mut self) {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Open {
                    container,
                    socket,
                    is_shared,
                }) => self.open(container, socket, is_shared),
                Ok(Command::Join { container }) => self.join(container),
                Ok(Command::Leave { container }) => self.leave(&container),
                Ok(Command::Usage {
                    container,
                    time_ms,
                    gauges,
                }) => self.usage(&container, time_ms, &gauges),
                Ok(Command::Account { reply }) => {
                    // It fails only if nobody waits any more.
                    let _ = reply.try_send(self.accounting());
                }
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => {
                    self.stop = true;
                    return;
                }
                Err(TryRecvError::Empty) => return,
            }
        }
    }

    fn tagger(&self) -> Option<Tagger> {
        self.outputs.statsd.as_ref().map(StatsdOutput::tagger)
    }

    fn open(&mut self, container: Container, socket: BoundSocket, is_shared: bool) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.readers.push(None);
            self.readers.len() - 1
        });
        let id = container.id.clone();
        let mut reader = Reader::new(socket, container, is_shared, self.tagger());
        let token = Token(index + FIRST_READER);
        if let Err(error) = self
            .poll
            .registry()
            .register(&mut reader.socket, token, Interest::READABLE)
        {
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
        self.accounting.endpoints_opened += 1;
    }

    /// Whom a shared socket's next lines are from changes now, so what it holds is read before.
    fn join(&mut self, container: Container) {
        // Only the mode `single` shares, and its socket is the first and stays.
        let Some(index) = self.readers.iter().position(Option::is_some) else {
            return;
        };
        self.drain(index);
        self.by_container.insert(container.id.clone(), index);
        if let Some(reader) = &mut self.readers[index] {
            reader.join(container);
        }
    }

    fn leave(&mut self, container: &ContainerId) {
        let Some(index) = self.by_container.remove(container) else {
            return;
        };
        self.drain(index);
        let Some(reader) = &mut self.readers[index] else {
            return;
        };
        if reader.is_shared {
            reader.leave(container);
            return;
        }
        self.accounting.endpoints_closed += 1;
        self.readers[index] = None;
        self.free.push(index);
        self.ready.retain(|&ready| ready != index);
    }

    fn usage(&mut self, container: &Container, time_ms: i64, gauges: &[(String, f64)]) {
        let tagger = self.tagger();
        let own = self.by_container.get(&container.id);
        let reader = own.and_then(|&index| self.readers[index].as_mut());
        let mut told;
        let attribution = match reader {
            // In the record of what the container sends itself.
            Some(reader) if !reader.is_shared => &mut reader.attribution,
            _ => {
                told = Attribution::new(std::slice::from_ref(container), tagger);
                &mut told
            }
        };
        for (name, value) in gauges {
            self.accounting.lines_generated += 1;
            self.outputs.gauge(name, *value, attribution, time_ms);
        }
    }

    fn finish(&mut self) {
        self.hand_on();
        for index in 0..self.readers.len() {
            self.drain(index);
        }
        self.outputs.flush();
        let end = Instant::now() + STOP_TIMEOUT;
        let mut events = Events::with_capacity(8);
        while let Some(collector) = &mut self.outputs.collector {
            collector.turn(Instant::now(), self.poll.registry());
            let now = Instant::now();
            let left = end.saturating_duration_since(now);
            let next = collector
                .deadline()
                .map_or(left, |deadline| left.min(deadline.saturating_duration_since(now)));
            let polled = if collector.is_sending() && !left.is_zero() {
                self.poll.poll(&mut events, Some(next))
            } else {
                collector.abandon();
                break;
            };
            match polled {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {
                    collector.abandon();
                    break;
                }
            }
            if events.iter().any(|event| event.token() == COLLECTOR) {
                collector.ready();
            }
        }
    }

    fn accounting(&self) -> Accounting {
        self.reports.accounting(&self.outputs, &self.accounting)
    }
}

/// The wall clock in milliseconds since 1970; 0 on a machine that thinks it is earlier.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
