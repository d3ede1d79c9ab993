//! What one connection may send in a period (`reference/metrics.md` 2.3).

use std::time::Duration;
use tokio::time::Instant;

/// The allowance of a connection. A period begins with the first bytes after the one before it has ended.
#[derive(Debug)]
pub(super) struct Throttle {
    allowed: u64,
    period: Duration,
    used: u64,
    until: Instant,
}

impl Throttle {
    /// Allows so many bytes in each period; any number if that is 0.
    pub(super) fn new(allowed: u64, period: Duration) -> Self {
        Self {
            allowed,
            period,
            used: 0,
            until: Instant::now(),
        }
    }

    /// Whether these bytes are within the allowance.
    pub(super) fn admits(&mut self, bytes: usize) -> bool {
        if self.allowed == 0 {
            return true;
        }
        let now = Instant::now();
        if now >= self.until {
            self.used = 0;
            self.until = now + self.period;
        }
        // As in 2016, the bytes that pass the limit are the last ones within it.
        let admitted = self.used < self.allowed;
        self.used += bytes as u64;
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_period_begins_with_bytes() {
        let mut throttle = Throttle::new(10, Duration::from_secs(60));
        let mut admitted = Vec::new();
        for (after_seconds, bytes) in [(100, 6), (0, 4), (1, 1), (58, 1), (1, 10), (59, 1), (1, 1)] {
            tokio::time::advance(Duration::from_secs(after_seconds)).await;
            admitted.push(throttle.admits(bytes));
        }
        assert_eq!(admitted, [true, true, false, false, true, false, true]);
        assert!(Throttle::new(0, Duration::ZERO).admits(usize::MAX));
    }
}
