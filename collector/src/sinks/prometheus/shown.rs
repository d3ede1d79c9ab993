//! What a series tells: of itself, and of a datapoint it was given.

/// What a series shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shown {
    Number(f64),
    Summary {
        quantiles: [f64; 3],
        sum: f64,
        count: f64,
        /// Whether a sample was below zero, so that the sum is none that only grows.
        negative: bool,
    },
}

/// Whether a datapoint that was taken is in the sketch as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sketched {
    Yes,
    /// There was no memory for it.
    No,
}
