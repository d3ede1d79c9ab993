//! The one thread that does the module's work: it reads the endpoints, hands lines to the outputs and keeps the books.
//!
//! A turn of the loop reads every socket that has something, at most a batch of datagrams each, so that one flooding
//! container costs the others one batch of waiting and no more. Then the outputs get their turn, then the loop sleeps until a
//! socket, a command or a deadline wants it. With nothing to do there is no deadline but the reports', a minute apart.
//!
//! A panic is a fault of this program that must not become one of the agent: it is caught outside of the turns, the datagram
//! at which it happened is skipped and counted, and the loop goes on with the sockets it has.

mod attribution;
mod command;
mod outputs;
mod reader;
mod readers;
mod report;
mod summary;

pub(crate) use command::Command;

use crate::accounting::Accounting;
use crate::output::collector::CollectorOutput;
use crate::output::statsd::StatsdOutput;
use crate::parameters::Parameters;
use crate::sync::mpsc::{Receiver, TryRecvError};
use crate::sync::{thread, wait};
use mio::{Events, Poll, Token, Waker};
use outputs::Outputs;
use readers::Readers;
use report::Reports;
use std::io;
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

/// How long the end waits for a collector that is still reading.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// After a panic the loop waits so long, lest it become a busy one.
const PANIC_PAUSE: Duration = Duration::from_millis(100);

/// See the module's text.
pub(crate) struct EventLoop {
    poll: Poll,
    commands: Receiver<Command>,
    readers: Readers,
    outputs: Outputs,
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
        let outputs = Outputs {
            statsd: statsd.transpose()?,
            collector,
        };
        let tagger = outputs.statsd.as_ref().map(StatsdOutput::tagger);
        let event_loop = Self {
            poll,
            commands,
            readers: Readers::new(FIRST_READER, parameters.container_limit, tagger),
            outputs,
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
        self.accounting.datagrams_panicked += u64::from(self.readers.forget_datagram());
        log::error!("The metrics core panicked and goes on; please report it with the message on stderr.");
        thread::sleep(PANIC_PAUSE);
    }

    fn turns(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        // After a panic there are datagrams left that nobody would receive again.
        self.readers.hand_on(&mut self.outputs, &mut self.accounting);
        loop {
            self.take_commands();
            if self.stop {
                return Ok(());
            }
            let was_busy = self.readers.read_ready(&mut self.outputs, &mut self.accounting);
            let now = Instant::now();
            self.outputs.turn(now, self.poll.registry());
            self.readers.ask_for_drops(now, &mut self.accounting);
            self.reports
                .turn(now, &mut self.readers, &mut self.outputs, &mut self.accounting);

            let timeout = if self.readers.is_any_ready() {
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
                    Token(token) => self.readers.make_ready(token),
                }
            }
        }
    }

    fn deadline(&self) -> Instant {
        let soonest = [self.outputs.deadline(), self.readers.deadline()]
            .into_iter()
            .flatten()
            .min();
        soonest.map_or(self.reports.deadline(), |at| at.min(self.reports.deadline()))
    }

    fn take_commands(&mut self) {
        let Self {
            commands,
            readers,
            outputs,
            accounting,
            ..
        } = self;
        loop {
            match commands.try_recv() {
                Ok(Command::Open {
                    container,
                    socket,
                    is_shared,
                }) => readers.open(self.poll.registry(), container, socket, is_shared, accounting),
                Ok(Command::Join { container }) => readers.join(container, outputs, accounting),
                Ok(Command::Leave { container }) => readers.leave(&container, outputs, accounting),
                Ok(Command::Usage {
                    container,
                    time_ms,
                    gauges,
                }) => readers.usage(&container, time_ms, &gauges, outputs, accounting),
                Ok(Command::Account { reply }) => {
                    // It fails only if nobody waits any more.
                    let _ = reply.try_send(self.reports.accounting(outputs, accounting));
                }
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => {
                    self.stop = true;
                    return;
                }
                Err(TryRecvError::Empty) => return,
            }
        }
    }

    fn finish(&mut self) {
        self.readers.drain_all(&mut self.outputs, &mut self.accounting);
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
