//! The limit for everything that is sent (`reference/metrics.md` 2.5).

use std::time::{Duration, Instant};

/// So many bytes in a period.
#[derive(Debug)]
pub(super) struct Throttle {
    limit: u64,
    period: Duration,
    started: Instant,
    bytes: u64,
}

impl Throttle {
    pub(super) fn new(limit: u64, period: Duration, now: Instant) -> Self {
        Self {
            limit,
            period,
            started: now,
            bytes: 0,
        }
    }

    /// Whether a message of so many bytes may be sent: as long as those before it have not exceeded the limit, so that the
    /// one that exceeds it is sent. All of them count, sent or not.
    pub(super) fn allows(&mut self, bytes: u64, now: Instant) -> bool {
        if now.saturating_duration_since(self.started) >= self.period {
            self.started = now;
            self.bytes = 0;
        }
        let allowed = self.bytes <= self.limit;
        self.bytes += bytes;
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_the_limit_waits_for_the_next_period() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut throttle = Throttle::new(100, Duration::from_secs(60), start);
        for (seconds, bytes, allowed) in [
            (0, 60, true),
            (1, 40, true),
            (2, 1, true),
            (3, 1, false),
            (59, 500, false),
            (60, 101, true),
            (61, 1, false),
            (500, 1, true),
        ] {
            assert_eq!(throttle.allows(bytes, at(seconds)), allowed, "{seconds}");
        }
    }
}
