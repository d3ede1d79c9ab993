//! Log lines about what may happen a thousand times a second.

use std::fmt;
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_secs(60);

/// Lets one line a minute pass.
#[derive(Debug, Default)]
pub(super) struct Seldom {
    last: Option<Instant>,
    hidden: u64,
}

/// How many lines did not pass since the last one that did, to be put at the end of the line.
#[derive(Debug)]
pub(super) struct Hidden(u64);

impl Seldom {
    /// Something for a line if there shall be one now.
    pub(super) fn now(&mut self) -> Option<Hidden> {
        let now = Instant::now();
        if self.last.is_some_and(|last| now - last < PERIOD) {
            self.hidden += 1;
            return None;
        }
        self.last = Some(now);
        Some(Hidden(std::mem::take(&mut self.hidden)))
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            hidden => write!(f, " ({hidden} times more before this)"),
        }
    }
}
