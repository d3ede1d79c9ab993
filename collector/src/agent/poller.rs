//! The thread that polls.

use super::AgentState;
use super::counters::AgentCounters;
use super::error::QueryError;
use super::poll::Poll;
use super::questions::Questions;
use super::schedule::{Next, Schedule, random_phase};
use super::settings::AgentSettings;
use stats_schema::MetricList;
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Instant;

/// Asks the agent at once and then every period, until its handle is dropped.
#[derive(Debug)]
pub struct Poller;

/// Keeps the poller going.
///
/// When it is dropped, the poller ends: at once if it waits, else when the agent has answered or the question has timed
/// out. Nobody waits for that.
#[derive(Debug)]
pub struct PollerHandle {
    wishes: SyncSender<()>,
}

impl PollerHandle {
    /// Asks for the state as soon as possible, because a container is not in the last one. At most once in two seconds;
    /// several wishes are one. Returns at once, and may be called for every record.
    pub fn refresh(&self) {
        // When it is full, the wish is there already.
        let _ = self.wishes.try_send(());
    }
}

impl Poller {
    /// Starts the thread. It hands metrics to `lists`, which answers whether anybody still takes them, and every state to
    /// `state`, before the metrics that were asked for after it.
    ///
    /// # Errors
    ///
    /// When the system has no thread.
    pub fn start(
        settings: AgentSettings,
        counters: Arc<AgentCounters>,
        lists: impl Fn(Vec<MetricList>) -> bool + Send + 'static,
        state: impl Fn(Arc<AgentState>) + Send + 'static,
    ) -> io::Result<PollerHandle> {
        let (wishes, receiver) = sync_channel(1);
        let schedule = Schedule::new(settings.period, Instant::now());
        let polling = Polling {
            wishes: receiver,
            schedule,
            counters: Arc::clone(&counters),
        };
        thread::Builder::new()
            .name("agent-poller".to_owned())
            .spawn(move || {
                polling.run(Poll::new(Questions::new(settings, counters), lists, state));
            })?;
        Ok(PollerHandle { wishes })
    }
}

/// Asks for the state once, to see whether the settings lead to an agent: its id.
///
/// # Errors
///
/// When there is no usable answer.
pub fn check(settings: &AgentSettings) -> Result<String, QueryError> {
    let (state, _) = Questions::new(settings.clone(), Arc::default()).state()?;
    Ok(state.agent_id().to_owned())
}

struct Polling {
    wishes: Receiver<()>,
    schedule: Schedule,
    counters: Arc<AgentCounters>,
}

impl Polling {
    fn run<L, S>(mut self, mut poll: Poll<L, S>)
    where
        L: Fn(Vec<MetricList>) -> bool,
        S: Fn(Arc<AgentState>),
    {
        loop {
            let step = catch_unwind(AssertUnwindSafe(|| self.step(&mut poll)));
            match step {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return,
                Err(_) => {
                    // The panic itself has been reported. At the next poll everything is asked anew.
                    log::error!("Polling the agent panicked; it goes on with the next poll");
                    self.counters.query_failures.add(1);
                    self.schedule.end_poll(Instant::now(), 1.0);
                }
            }
        }
    }

    /// Does what is next, or waits for it. Breaks at the end.
    fn step<L, S>(&mut self, poll: &mut Poll<L, S>) -> ControlFlow<()>
    where
        L: Fn(Vec<MetricList>) -> bool,
        S: Fn(Arc<AgentState>),
    {
        let now = Instant::now();
        match self.schedule.next(now) {
            Next::Wait(until) => match self.wishes.recv_timeout(until - now) {
                Ok(()) => self.schedule.want_refresh(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return ControlFlow::Break(()),
            },
            Next::Refresh => {
                self.schedule.begin_refresh(now);
                self.counters.refreshes.add(1);
                poll.state();
            }
            Next::Poll => {
                // Wishes up to here are fulfilled by this poll.
                self.hear_wishes()?;
                self.schedule.begin_poll();
                poll.state();
                self.hear_wishes()?;
                poll.metrics()?;
                self.hear_wishes()?;
                poll.containers()?;
                self.schedule.end_poll(Instant::now(), random_phase());
            }
        }
        ControlFlow::Continue(())
    }

    /// Takes the wish that is there. Breaks when there will be no more.
    fn hear_wishes(&mut self) -> ControlFlow<()> {
        match self.wishes.try_recv() {
            Ok(()) => self.schedule.want_refresh(),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }
}
