//! The last minutes of all datapoints together, and of what each sink wrote.

use super::store::per_second;
use crate::sinks::Queue;
use crate::telemetry::Input;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// Samples kept: five minutes.
const SAMPLES: usize = 150;

#[derive(Debug)]
pub(super) struct History {
    sampled: Instant,
    received: Rate,
    /// In the order of the queues.
    written: Vec<Rate>,
}

#[derive(Debug, Default)]
struct Rate {
    sum: u64,
    history: VecDeque<f32>,
}

impl History {
    /// Nothing, from now on.
    pub(super) fn new(input: &Input, queues: &[Arc<Queue>]) -> Self {
        let from = |sum| Rate {
            sum,
            history: VecDeque::new(),
        };
        Self {
            sampled: Instant::now(),
            received: from(input.datapoints.get()),
            written: queues
                .iter()
                .map(|queue| from(queue.output().written.datapoints.get()))
                .collect(),
        }
    }

    /// Ends a sample.
    pub(super) fn sample(&mut self, input: &Input, queues: &[Arc<Queue>]) {
        let now = Instant::now();
        let elapsed = now - std::mem::replace(&mut self.sampled, now);
        self.received
            .push(input.datapoints.get(), |count| per_second(count, elapsed));
        for (rate, queue) in self.written.iter_mut().zip(queues) {
            rate.push(queue.output().written.datapoints.get(), |count| {
                per_second(count, elapsed)
            });
        }
    }

    /// Datapoints received per second, oldest sample first.
    pub(super) fn received(&self) -> Vec<f32> {
        self.received.history.iter().copied().collect()
    }

    /// Datapoints written per second by the sink of the queue with this index, in the last sample.
    pub(super) fn written(&self, index: usize) -> f32 {
        let last = self.written.get(index).and_then(|rate| rate.history.back());
        last.copied().unwrap_or_default()
    }
}

impl Rate {
    fn push(&mut self, sum: u64, per_second: impl FnOnce(u64) -> f32) {
        if self.history.len() == SAMPLES {
            self.history.pop_front();
        }
        let before = std::mem::replace(&mut self.sum, sum);
        self.history.push_back(per_second(sum.saturating_sub(before)));
    }
}
