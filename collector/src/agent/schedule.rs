//! When to ask.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// The least time between two refreshes of the state, which are asked for between polls (`reference/metrics.md` 6.8 has
/// 5 s). Less than records wait for one, so that containers that start one after the other all get their tags.
const BETWEEN_REFRESHES: Duration = Duration::from_secs(2);

/// What is next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// All questions.
    Poll,
    /// Only that for the state.
    Refresh,
    /// Nothing until then.
    Wait(Instant),
}

/// The times of polls, which are a period apart, and of refreshes between them.
pub(super) struct Schedule {
    period: Duration,
    /// The time of the next poll.
    poll: Instant,
    polled: bool,
    refresh_wanted: bool,
    /// From when on the state may be asked for between polls.
    refresh_from: Instant,
}

impl Schedule {
    /// The first poll is due at `now`.
    pub(super) fn new(period: Duration, now: Instant) -> Self {
        Self {
            period,
            poll: now,
            polled: false,
            refresh_wanted: false,
            refresh_from: now,
        }
    }

    pub(super) fn next(&self, now: Instant) -> Next {
        if self.poll <= now {
            Next::Poll
        } else if !self.refresh_wanted {
            Next::Wait(self.poll)
        } else if self.refresh_from <= now {
            Next::Refresh
        } else {
            Next::Wait(self.poll.min(self.refresh_from))
        }
    }

    /// Somebody met a container that the state does not have.
    pub(super) fn want_refresh(&mut self) {
        self.refresh_wanted = true;
    }

    /// The state is about to be asked for in a poll: whoever wants it will be served.
    pub(super) fn begin_poll(&mut self) {
        self.refresh_wanted = false;
    }

    /// The state is about to be asked for between polls.
    pub(super) fn begin_refresh(&mut self, now: Instant) {
        self.refresh_wanted = false;
        self.refresh_from = now + BETWEEN_REFRESHES;
    }

    /// All questions were asked. Polls that were due meanwhile are left out. `phase` (0 to 1) says where in the period
    /// the polls after the first are.
    pub(super) fn end_poll(&mut self, now: Instant, phase: f64) {
        if !self.polled {
            self.polled = true;
            self.poll += self.period.mul_f64(phase);
        }
        while self.poll <= now {
            self.poll += self.period;
        }
    }
}

/// A number from 0 to 1 that differs from node to node.
pub(super) fn random_phase() -> f64 {
    // The standard library seeds its hash tables at random, which is all that is needed.
    f64::from(u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(15);

    #[test]
    fn at_once_then_at_the_phase_then_every_period() {
        for (phase, second) in [(0.0, 15.0), (0.2, 3.0), (1.0, 15.0)] {
            let start = Instant::now();
            let mut schedule = Schedule::new(PERIOD, start);
            assert_eq!(schedule.next(start), Next::Poll);
            schedule.begin_poll();
            schedule.end_poll(start + Duration::from_secs(1), phase);
            let second = start + Duration::from_secs_f64(second);
            assert_eq!(schedule.next(start + Duration::from_secs(1)), Next::Wait(second));
            assert_eq!(schedule.next(second), Next::Poll);
            schedule.end_poll(second, phase);
            assert_eq!(schedule.next(second), Next::Wait(second + PERIOD));
        }
    }

    #[test]
    fn a_long_poll_skips_what_was_due() {
        let start = Instant::now();
        let mut schedule = Schedule::new(PERIOD, start);
        schedule.end_poll(start + PERIOD * 5 / 2, 0.0);
        assert_eq!(
            schedule.next(start + PERIOD * 5 / 2),
            Next::Wait(start + PERIOD * 3)
        );
    }

    #[test]
    fn refreshes_are_two_seconds_apart() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut schedule = Schedule::new(PERIOD, start);
        schedule.begin_poll();
        schedule.end_poll(start, 0.0);
        assert_eq!(schedule.next(at(6)), Next::Wait(at(15)));
        schedule.want_refresh();
        schedule.want_refresh();
        // A poll does not put it off.
        assert_eq!(schedule.next(start), Next::Refresh);
        schedule.begin_refresh(at(6));
        assert_eq!(schedule.next(at(6)), Next::Wait(at(15)));
        schedule.want_refresh();
        assert_eq!(schedule.next(at(7)), Next::Wait(at(8)));
        assert_eq!(schedule.next(at(8)), Next::Refresh);
        // The poll serves it too.
        assert_eq!(schedule.next(at(15)), Next::Poll);
        schedule.begin_poll();
        schedule.end_poll(at(15), 0.0);
        assert_eq!(schedule.next(at(16)), Next::Wait(at(30)));
    }

    #[test]
    fn phases_are_within_a_period_and_differ() {
        let phases: Vec<f64> = (0..20).map(|_| random_phase()).collect();
        assert!(
            phases.iter().all(|phase| (0.0..=1.0).contains(phase)),
            "{phases:?}"
        );
        assert!(phases.iter().any(|phase| *phase != phases[0]), "{phases:?}");
    }
}
