//! What keeps a sink from its work, told once in the log and at any time to whoever asks.

use crate::telemetry::Output;
use log::{error, info};

/// The last thing a sink had to say about itself.
#[derive(Debug)]
pub(super) struct Problem {
    sink: &'static str,
    now: Option<String>,
}

impl Problem {
    /// None so far.
    pub(super) fn new(sink: &'static str) -> Self {
        Self { sink, now: None }
    }

    /// There is this problem now, or none; logged when that is new.
    pub(super) fn set(&mut self, now: Option<String>, output: &Output) {
        if now == self.now {
            return;
        }
        match &now {
            Some(problem) => error!(
                "{}: {problem}; what cannot be written is dropped and counted",
                self.sink
            ),
            None => info!("{}: works again", self.sink),
        }
        output.set_problem(now.clone());
        self.now = now;
    }
}
