//! What the two readers of a block's body have in common.

use super::Fault;
use crate::RecordRef;

/// The records of one block.
pub(super) trait Records {
    fn next(&mut self) -> Result<RecordRef<'_>, Fault>;
    fn left(&self) -> usize;
}

/// Refuses a run of `count` more items if with those before there were more than `max`.
#[inline]
pub(super) fn limit(before: usize, count: u64, what: &'static str, max: usize) -> Result<(), Fault> {
    let total = count.saturating_add(before as u64);
    if total <= max as u64 {
        return Ok(());
    }
    Err(Fault::OutOfRange {
        what,
        found: i64::try_from(total).unwrap_or(i64::MAX),
        max: max as u64,
    })
}
