//! Datapoints per second, now and over the last minutes.

use super::origin::Origin;
use std::collections::VecDeque;
use std::time::Duration;

/// Samples kept of every container.
const SAMPLES: usize = 60;
/// How long a sample takes.
pub(in crate::http) const SAMPLE: Duration = Duration::from_secs(2);

/// What came since the last sample, and the samples before.
#[derive(Debug, Default)]
pub(super) struct Rate {
    count: u64,
    history: VecDeque<f32>,
}

impl Rate {
    /// Its memory in bytes, once it is full: a deque grows by doubling.
    pub(super) const BYTES: usize = SAMPLES.next_power_of_two() * size_of::<f32>();

    pub(super) fn add(&mut self, count: u64) {
        self.count += count;
    }

    /// Ends a sample that took this long.
    pub(super) fn sample(&mut self, elapsed: Duration) {
        if self.history.len() == SAMPLES {
            self.history.pop_front();
        }
        self.history
            .push_back(per_second(std::mem::take(&mut self.count), elapsed));
    }

    /// The samples in datapoints per second, oldest first.
    pub(super) fn history(&self) -> Vec<f32> {
        self.history.iter().copied().collect()
    }
}

/// A count as a rate.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it is drawn, and rounded for it: seven digits are plenty"
)]
pub(in crate::http) fn per_second(count: u64, elapsed: Duration) -> f32 {
    (count as f64 / elapsed.as_secs_f64().max(0.001)) as f32
}

/// How fast the node and its containers send.
#[derive(Debug)]
pub struct Rates {
    /// Those first who sent most in the last minutes.
    pub sources: Vec<SourceRate>,
    /// Containers for which there was no room, together; as [`SourceRate::history`].
    pub others: Vec<f32>,
}

/// How fast one of them sends.
#[derive(Debug)]
pub struct SourceRate {
    /// Which.
    pub origin: Origin,
    /// The name of the task, or what else is known of it.
    pub task_name: Option<String>,
    /// The framework's name, or its id.
    pub framework: Option<String>,
    /// Series that are kept of it.
    pub series: usize,
    /// Datapoints per second in the last samples of `SAMPLE` each, oldest first.
    pub history: Vec<f32>,
}

impl SourceRate {
    pub(super) fn sum(&self) -> f32 {
        self.history.iter().sum()
    }

    /// In the last sample.
    #[must_use]
    pub fn per_second(&self) -> f32 {
        self.history.last().copied().unwrap_or_default()
    }
}
