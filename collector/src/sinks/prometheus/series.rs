//! One series: what its datapoints add up to.

use super::families::{Family, Kind};
use super::labels::LabelSet;
use super::recorded::Refusal;
use super::shown::{Shown, Sketched};
use super::window::{Set, Summary};
use stats_schema::{DatapointRef, MetricType};
use std::sync::Arc;

/// A sample stands for at most this many events, so that a hostile rate does not make all others worthless.
const MAX_WEIGHT: f64 = 1e6;

/// Datapoints of one family with the same labels.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) family: Arc<Family>,
    pub(super) labels: Arc<LabelSet>,
    /// The numbers of family and label set, here so that a look-up follows no pointer.
    pub(super) key: (u64, u64),
    /// When the last datapoint came, in milliseconds of the registry.
    pub(super) updated_ms: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Counter(f64),
    Gauge(f64),
    // Boxed, as most series are counters and gauges.
    Summary(Box<Summary>),
    Set(Box<Set>),
}

/// What one datapoint does to its series.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sample<'a> {
    Increment(f64),
    Value(f64),
    Change(f64),
    /// A value that stands for this many events.
    Observation(f64, f64),
    Member(&'a str),
    /// A member of a set that was sent without its text.
    Number(f64),
}

impl<'a> Sample<'a> {
    /// What the datapoint means.
    pub(super) fn of(datapoint: &DatapointRef<'a>) -> Result<Self, Refusal> {
        let value = datapoint.value;
        if let (MetricType::Set, Some(member)) = (datapoint.metric_type, datapoint.text) {
            return Ok(Self::Member(member));
        }
        if !value.is_finite() {
            return Err(Refusal::NotFinite);
        }
        Ok(match datapoint.metric_type {
            MetricType::Counter if value < 0.0 => return Err(Refusal::NegativeIncrement),
            MetricType::Counter => Self::Increment(value),
            MetricType::Gauge | MetricType::Unknown => Self::Value(value),
            MetricType::GaugeDelta => Self::Change(value),
            MetricType::Timer | MetricType::Histogram | MetricType::Distribution => {
                let weight = weight(datapoint.sample_rate);
                // Else it could be refused after a series was made for it.
                if !(value * weight).is_finite() {
                    return Err(Refusal::NotFinite);
                }
                Self::Observation(value, weight)
            }
            MetricType::Set => Self::Number(value),
        })
    }
}

/// How many events a sample stands for; one, if the rate is none.
fn weight(sample_rate: f64) -> f64 {
    if sample_rate > 0.0 && sample_rate < 1.0 {
        (1.0 / sample_rate).min(MAX_WEIGHT)
    } else {
        1.0
    }
}

impl Series {
    /// A series without datapoints.
    pub(super) fn new(family: Arc<Family>, labels: Arc<LabelSet>, now_ms: u64) -> Self {
        Self {
            key: (family.number, labels.number),
            updated_ms: now_ms,
            state: State::new(family.kind, now_ms),
            family,
            labels,
        }
    }

    /// The memory that a new series of this kind takes, in bytes: twice its place, as a table keeps places free, and
    /// what hangs on it.
    pub(super) fn cost(kind: Kind) -> usize {
        2 * (size_of::<Self>() + 1)
            + match kind {
                Kind::Counter | Kind::Gauge => 0,
                Kind::Summary => Summary::COST,
                Kind::Set => Set::COST,
            }
    }

    /// The memory that it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        Self::cost(self.family.kind) + self.grown()
    }

    /// The memory that it takes above [`Series::cost`], in bytes.
    pub(super) fn grown(&self) -> usize {
        match &self.state {
            State::Counter(_) | State::Gauge(_) => 0,
            State::Summary(summary) => summary.grown(),
            State::Set(set) => set.grown(),
        }
    }

    /// Begins anew, without datapoints.
    pub(super) fn reset(&mut self, now_ms: u64) {
        self.state = State::new(self.family.kind, now_ms);
    }

    /// Takes a datapoint of the family's kind; a sketch may grow by `spare` bytes.
    pub(super) fn add(&mut self, sample: Sample<'_>, now_ms: u64, spare: usize) -> Result<Sketched, Refusal> {
        let sketched = match (&mut self.state, sample) {
            (State::Counter(number), Sample::Increment(change))
            | (State::Gauge(number), Sample::Change(change)) => {
                let sum = *number + change;
                if !sum.is_finite() {
                    return Err(Refusal::NotFinite);
                }
                *number = sum;
                Sketched::Yes
            }
            (State::Gauge(number), Sample::Value(value)) => {
                *number = value;
                Sketched::Yes
            }
            (State::Summary(summary), Sample::Observation(value, weight)) => {
                summary.add(value, weight, now_ms, spare)?
            }
            (State::Set(set), Sample::Member(member)) => set.add(member, now_ms, spare),
            (State::Set(set), Sample::Number(value)) => set.add(&value.to_string(), now_ms, spare),
            // The caller chose the family by the datapoint's kind.
            _ => return Err(Refusal::NameTaken),
        };
        self.updated_ms = now_ms;
        Ok(sketched)
    }

    /// What a page at this time shows.
    pub(super) fn show(&mut self, now_ms: u64) -> Shown {
        match &mut self.state {
            State::Counter(number) | State::Gauge(number) => Shown::Number(*number),
            State::Summary(summary) => summary.show(now_ms),
            State::Set(set) => Shown::Number(set.show(now_ms)),
        }
    }
}

impl State {
    fn new(kind: Kind, now_ms: u64) -> Self {
        match kind {
            Kind::Counter => Self::Counter(0.0),
            Kind::Gauge => Self::Gauge(0.0),
            Kind::Summary => Self::Summary(Box::new(Summary::new(now_ms))),
            Kind::Set => Self::Set(Box::new(Set::new(now_ms))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights() {
        for (rate, expected) in [
            (1.0, 1.0),
            (0.1, 10.0),
            (1e-300, MAX_WEIGHT),
            (0.0, 1.0),
            (-0.5, 1.0),
            (2.0, 1.0),
            (f64::NAN, 1.0),
            (f64::INFINITY, 1.0),
        ] {
            assert_eq!(weight(rate), expected, "{rate}");
        }
    }
}
