//! What became of the datapoints of a record.

use std::ops::AddAssign;

/// Why a datapoint is in no series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It would have needed a new series, and there are as many as allowed.
    SeriesLimit,
    /// It would have needed a new series, and the memory for them is used up.
    Memory,
    /// Its value is NaN or infinite, or would have made a sum infinite (`reference/metrics.md` 8.1 no. 7).
    NotFinite,
    /// It is a counter's increment below zero.
    NegativeIncrement,
    /// Its name is empty or longer than 512 bytes.
    BadName,
    /// Its tags are longer than 8 kB together.
    LabelsTooLong,
    /// Its name, and its name with the type added, are names of families of other types.
    NameTaken,
}

impl Refusal {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::SeriesLimit,
        Self::Memory,
        Self::NotFinite,
        Self::NegativeIncrement,
        Self::BadName,
        Self::LabelsTooLong,
        Self::NameTaken,
    ];

    /// The reason as it is called in counters, `series_limit` for [`Refusal::SeriesLimit`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SeriesLimit => "series_limit",
            Self::Memory => "memory",
            Self::NotFinite => "not_finite",
            Self::NegativeIncrement => "negative_increment",
            Self::BadName => "bad_name",
            Self::LabelsTooLong => "labels_too_long",
            Self::NameTaken => "name_taken",
        }
    }
}

/// The fate of datapoints: taken + refused is what was handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Datapoints that changed a series.
    pub taken: u64,
    /// Datapoints among the taken ones that quantiles or the number of members leave out, for want of memory. Sum and
    /// count of a summary have them.
    pub unsketched: u64,
    refused: [u64; Refusal::ALL.len()],
}

impl Recorded {
    /// Datapoints refused for this reason.
    #[must_use]
    pub fn refused(&self, refusal: Refusal) -> u64 {
        self.refused[refusal as usize]
    }

    /// Datapoints refused, whatever the reason.
    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused.iter().sum()
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refused[refusal as usize] += 1;
    }
}

impl AddAssign for Recorded {
    fn add_assign(&mut self, other: Self) {
        self.taken += other.taken;
        self.unsketched += other.unsketched;
        for (sum, more) in self.refused.iter_mut().zip(other.refused) {
            *sum += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_place_and_name() {
        let mut sum = Recorded::default();
        for (index, refusal) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(refusal as usize, index);
            let mut one = Recorded::default();
            one.refuse(refusal);
            sum += one;
            assert_eq!(sum.refused(refusal), 1);
        }
        assert_eq!(sum.refused_total(), 7);
        let names: std::collections::HashSet<_> = Refusal::ALL.map(Refusal::as_str).into();
        assert_eq!(names.len(), 7);
    }
}
