//! Parts of an answer that were left out.

/// How many, and why the first one was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// How many parts were left out.
    pub count: u64,
    /// What was wrong with the first of them.
    pub first: Option<String>,
}

impl Skipped {
    /// One more; `reason` is only asked for if it is the first.
    pub(super) fn add(&mut self, reason: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(reason);
    }
}
