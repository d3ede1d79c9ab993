//! What the blocks that have only begun to arrive may take together.
//!
//! A peer may send most of a large block and then nothing for ever. One such block is bounded, but not thousands of
//! them; so they share a budget. Up to [`FREE_BYTES`] a connection does not touch it, which is enough for all that
//! ordinary senders do: they are not disturbed by others who use it up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What each connection may hold outside of the budget.
const FREE_BYTES: usize = 64 << 10;

/// The budget of all connections.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

/// The share of one connection, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Unfinished {
    budget: Arc<Budget>,
    held: usize,
}

/// There is no room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a block of {held} bytes and more does not fit with the unfinished blocks of other connections, allowed are {limit} bytes together (--max-unfinished-kbytes)"
)]
pub(super) struct OverBudget {
    held: usize,
    limit: usize,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: AtomicUsize::new(0),
        })
    }
}

impl Unfinished {
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        Self { budget, held: 0 }
    }

    /// The connection now holds `bytes`.
    pub(super) fn set(&mut self, bytes: usize) -> Result<(), OverBudget> {
        let (before, now) = (
            self.held.saturating_sub(FREE_BYTES),
            bytes.saturating_sub(FREE_BYTES),
        );
        self.held = bytes;
        if now <= before {
            self.budget.used.fetch_sub(before - now, Relaxed);
        } else if self.budget.used.fetch_add(now - before, Relaxed) + (now - before) > self.budget.limit {
            return Err(OverBudget {
                held: bytes,
                limit: self.budget.limit,
            });
        }
        Ok(())
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.budget
            .used
            .fetch_sub(self.held.saturating_sub(FREE_BYTES), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_blocks_are_free_and_large_ones_share() {
        let budget = Budget::new(1000);
        let mut connections: Vec<_> = (0..3).map(|_| Unfinished::new(Arc::clone(&budget))).collect();
        assert_eq!(connections[0].set(FREE_BYTES + 600), Ok(()));
        assert_eq!(connections[1].set(FREE_BYTES), Ok(()));
        assert_eq!(connections[1].set(FREE_BYTES + 400), Ok(()));
        assert_eq!(connections[2].set(FREE_BYTES), Ok(()));
        let over = OverBudget {
            held: FREE_BYTES + 1,
            limit: 1000,
        };
        assert_eq!(connections[2].set(FREE_BYTES + 1), Err(over));
        connections.pop();
        assert_eq!(connections[0].set(0), Ok(()));
        assert_eq!(connections[1].set(FREE_BYTES + 1000), Ok(()));
        drop(connections);
        assert_eq!(budget.used.load(Relaxed), 0);
    }
}
