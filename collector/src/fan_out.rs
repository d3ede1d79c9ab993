//! From the sources to the sinks: every batch is tagged and handed to every sink.
//!
//! When a container is not known yet, its tags are worth a moment: the agent is asked, and until it has answered, but
//! for [`HOLD`] at most, batches wait here, in order. Nothing else ever waits here.

use crate::Batch;
use crate::agent::{AgentState, PollerHandle};
use crate::sinks::Queue;
use crate::tagger::Tagger;
use crate::telemetry::Input;
use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// How long batches wait for the agent to say who is who.
const HOLD: Duration = Duration::from_secs(3);

/// How much may wait for that, in bytes; then they go as they are.
const HOLD_BYTES: usize = 8 << 20;

/// The stage between the sources' channel and the sinks' queues.
pub(crate) struct FanOut {
    pub(crate) decoded: mpsc::Receiver<Vec<Batch>>,
    pub(crate) queues: Vec<Arc<Queue>>,
    pub(crate) tagger: Tagger,
    pub(crate) state: watch::Receiver<Option<Arc<AgentState>>>,
    /// None if no agent is polled; then there are no tags to add.
    pub(crate) poller: Option<PollerHandle>,
    pub(crate) input: Arc<Input>,
}

/// Batches that wait for the agent.
#[derive(Default)]
struct Held {
    batches: VecDeque<Batch>,
    bytes: usize,
    until: Option<Instant>,
}

impl FanOut {
    /// Runs until all sources have ended.
    pub(crate) async fn run(mut self) {
        let mut held = Held::default();
        let mut states = true;
        loop {
            tokio::select! {
                biased;
                changed = self.state.changed(), if states => {
                    states = changed.is_ok();
                    let state = self.state.borrow_and_update().clone();
                    self.tagger.know(state);
                    // An answer may have been on its way already when a container was asked for.
                    let unknown = held.batches.iter_mut().any(|batch| self.tagger.tag(batch).any);
                    if !unknown {
                        self.release(&mut held);
                    }
                }
                () = over(held.until) => self.release(&mut held),
                decoded = self.decoded.recv() => match decoded {
                    Some(batches) => batches.into_iter().for_each(|batch| self.pass(batch, &mut held)),
                    None => break,
                },
            }
        }
        self.release(&mut held);
    }

    fn pass(&mut self, mut batch: Batch, held: &mut Held) {
        let Some(poller) = &self.poller else {
            return self.hand_out(batch);
        };
        if self.tagger.tag(&mut batch).new {
            poller.refresh();
            held.until.get_or_insert(Instant::now() + HOLD);
        }
        if held.until.is_none() {
            return self.hand_out(batch);
        }
        held.bytes += batch.bytes();
        held.batches.push_back(batch);
        if held.bytes > HOLD_BYTES {
            self.release(held);
        }
    }

    fn release(&mut self, held: &mut Held) {
        for mut batch in std::mem::take(held).batches {
            self.tagger.tag(&mut batch);
            self.hand_out(batch);
        }
    }

    fn hand_out(&self, batch: Batch) {
        self.input.records.add(batch.records() as u64);
        self.input.datapoints.add(batch.datapoints() as u64);
        let batch = Arc::new(batch);
        self.queues
            .iter()
            .for_each(|queue| queue.push(Arc::clone(&batch)));
    }
}

async fn over(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}
