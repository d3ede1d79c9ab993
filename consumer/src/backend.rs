//! What a worker asks of a backend.

use stats_schema::RecordRef;

/// A batch of encoded datapoints and the way to the program that wants them.
pub(crate) trait Backend {
    /// Encodes datapoints of `record` into the batch until that is full, and says how many it has dealt with: appended, or
    /// dropped and counted. At least one, if there is any.
    fn append(&mut self, record: &RecordRef<'_>) -> usize;

    /// Whether the batch should be delivered before anything is appended.
    fn full(&self) -> bool;

    /// Delivers the batch, after which it is empty. Does nothing with an empty one.
    ///
    /// # Errors
    ///
    /// When the backend did not take all of it. What it took, or will never take, has left the batch and was counted.
    fn deliver(&mut self) -> Result<(), DeliveryError>;
}

/// Why a batch is still here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    /// It can be tried again.
    #[error("{0}")]
    Unavailable(String),
    /// There is nobody left to deliver to.
    #[error("{0}")]
    Gone(String),
}

impl DeliveryError {
    pub(crate) fn unavailable(
        what: &str,
        to: &impl std::fmt::Display,
        error: &impl std::fmt::Display,
    ) -> Self {
        Self::Unavailable(format!("cannot {what} {to}: {error}"))
    }
}
