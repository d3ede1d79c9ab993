//! Summaries and sets, whose quantiles and members are those of one minute.
//!
//! A sketch of all time would show yesterday's latencies for hours. So it is emptied every minute, and what it showed at
//! the end is kept as a few numbers: reading a page costs little, and the next minute needs no second sketch.

use super::recorded::Refusal;
use super::shown::{Shown, Sketched};
use cardinality_estimator::CardinalityEstimator;
use sketches_ddsketch::{Config, DDSketch};
use std::fmt;

/// The quantiles of a summary.
pub(super) const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// What quantiles and numbers of members cover, in milliseconds.
const WINDOW_MS: u64 = 60_000;

/// Quantiles are off by this share of the value at most.
const RELATIVE_ERROR: f64 = 0.01;
/// Values up to this, either sign, count as zero.
const SMALLEST: f64 = 1e-9;
/// A sketch has at most this many bins for each sign; where more are needed, the values closest to zero share one.
const MAX_BINS: u32 = 1024;
/// The bins that the first value brings, in bytes.
const FIRST_BINS_BYTES: usize = 128 * size_of::<u64>();
/// An estimator takes no more bytes than this; with half of them, it has its last form.
const MAX_SET_BYTES: usize = 3200;
/// What one datapoint can add to the memory of a sketch or an estimator at most, in bytes.
const LARGEST_GROWTH: usize = MAX_BINS as usize * size_of::<u64>();

/// Which of a series' minutes is the current one, and what came of the one before.
#[derive(Clone, Copy, Debug)]
struct Window<T> {
    began_ms: u64,
    current: u64,
    /// None during the first.
    complete: Option<T>,
}

impl<T> Window<T> {
    fn new(began_ms: u64) -> Self {
        Self {
            began_ms,
            current: 0,
            complete: None,
        }
    }

    /// Whether the current minute is over: true once, and then the next has begun. `result` tells what came of it,
    /// which is `nothing` if minutes have passed since without a datapoint.
    fn turn(&mut self, now_ms: u64, result: impl FnOnce() -> T, nothing: T) -> bool {
        let current = now_ms.saturating_sub(self.began_ms) / WINDOW_MS;
        if current <= self.current {
            return false;
        }
        self.complete = Some(if current == self.current + 1 {
            result()
        } else {
            nothing
        });
        self.current = current;
        true
    }
}

/// Timers, histograms and distributions.
pub(super) struct Summary {
    window: Window<[f64; 3]>,
    sketch: DDSketch,
    sum: f64,
    count: f64,
    negative: bool,
}

impl Summary {
    /// What a new one takes, in bytes, with its first bins.
    pub(super) const COST: usize = size_of::<Self>() + FIRST_BINS_BYTES;

    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            window: Window::new(now_ms),
            sketch: new_sketch(),
            sum: 0.0,
            count: 0.0,
            negative: false,
        }
    }

    /// The memory above [`Summary::COST`], in bytes.
    pub(super) fn grown(&self) -> usize {
        (self.sketch.length() * size_of::<u64>()).saturating_sub(FIRST_BINS_BYTES)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a weight is 1 to 1000000"
    )]
    pub(super) fn add(
        &mut self,
        value: f64,
        weight: f64,
        now_ms: u64,
        spare: usize,
    ) -> Result<Sketched, Refusal> {
        let sum = self.sum + value * weight;
        if !sum.is_finite() {
            return Err(Refusal::NotFinite);
        }
        self.turn(now_ms);
        self.sum = sum;
        self.count += weight;
        self.negative |= value < 0.0;
        if spare < LARGEST_GROWTH && !self.has_bin(value) {
            return Ok(Sketched::No);
        }
        self.sketch.add_with_count(value, weight.round() as u64);
        Ok(Sketched::Yes)
    }

    pub(super) fn show(&mut self, now_ms: u64) -> Shown {
        self.turn(now_ms);
        Shown::Summary {
            quantiles: self.window.complete.unwrap_or_else(|| quantiles(&self.sketch)),
            sum: self.sum,
            count: self.count,
            negative: self.negative,
        }
    }

    fn turn(&mut self, now_ms: u64) {
        if self
            .window
            .turn(now_ms, || quantiles(&self.sketch), [f64::NAN; 3])
        {
            self.sketch = new_sketch();
        }
    }

    /// Whether the value certainly needs no more memory: the first bins are paid for, and all bins between two values
    /// of the same sign are there.
    fn has_bin(&self, value: f64) -> bool {
        match (self.sketch.min(), self.sketch.max()) {
            (Some(min), Some(max)) => {
                (min > SMALLEST || max < -SMALLEST) && (min..=max).contains(&value) || value.abs() <= SMALLEST
            }
            _ => true,
        }
    }
}

impl fmt::Debug for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The sketch cannot be shown.
        f.debug_struct("Summary")
            .field("window", &self.window)
            .field("sum", &self.sum)
            .field("count", &self.count)
            .field("negative", &self.negative)
            .finish_non_exhaustive()
    }
}

fn new_sketch() -> DDSketch {
    DDSketch::new(Config::new(RELATIVE_ERROR, MAX_BINS, SMALLEST))
}

/// NaN without samples.
fn quantiles(sketch: &DDSketch) -> [f64; 3] {
    let (Some(min), Some(max)) = (sketch.min(), sketch.max()) else {
        return [f64::NAN; 3];
    };
    QUANTILES.map(|quantile| match sketch.quantile(quantile) {
        // A bin's value may be beyond all of its samples, and beyond the largest double.
        Ok(Some(value)) => value.clamp(min, max),
        _ => f64::NAN,
    })
}

/// Members of a set.
#[derive(Debug)]
pub(super) struct Set {
    window: Window<f64>,
    members: CardinalityEstimator<str>,
}

impl Set {
    /// What a new one takes, in bytes.
    pub(super) const COST: usize = size_of::<Self>();

    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            window: Window::new(now_ms),
            members: CardinalityEstimator::new(),
        }
    }

    /// The memory above [`Set::COST`], in bytes.
    pub(super) fn grown(&self) -> usize {
        self.members.size_of().saturating_sub(size_of::<usize>())
    }

    pub(super) fn add(&mut self, member: &str, now_ms: u64, spare: usize) -> Sketched {
        self.turn(now_ms);
        if spare < LARGEST_GROWTH && self.members.size_of() < MAX_SET_BYTES / 2 {
            return Sketched::No;
        }
        self.members.insert(member);
        Sketched::Yes
    }

    pub(super) fn show(&mut self, now_ms: u64) -> f64 {
        self.turn(now_ms);
        self.window.complete.unwrap_or_else(|| estimate(&self.members))
    }

    fn turn(&mut self, now_ms: u64) {
        if self.window.turn(now_ms, || estimate(&self.members), 0.0) {
            self.members = CardinalityEstimator::new();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate far from 2^53")]
fn estimate(members: &CardinalityEstimator<str>) -> f64 {
    members.estimate() as f64
}
