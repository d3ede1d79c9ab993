//! Being told to stop.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// SIGTERM, SIGINT or SIGHUP, to be waited for. A second one ends the program at once.
#[derive(Debug)]
pub struct Stop {
    signals: Receiver<()>,
    received: bool,
}

impl Stop {
    /// Takes over the signals.
    ///
    /// # Errors
    ///
    /// When the system refuses the signal handlers or the thread that waits for signals.
    pub fn on_signals() -> io::Result<Self> {
        Self::with_last_act(|| {})
    }

    /// As [`Stop::on_signals`], and does `last` when the second signal ends the program.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn with_last_act(last: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (sender, signals) = channel();
        let mut caught = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        thread::Builder::new().name("signals".into()).spawn(move || {
            for (earlier, signal) in caught.forever().enumerate() {
                if earlier > 0 || sender.send(()).is_err() {
                    last();
                    std::process::exit(128 + signal);
                }
            }
        })?;
        Ok(Self {
            signals,
            received: false,
        })
    }

    /// Waits for at most `time`; whether a signal was received by then.
    pub fn wait(&mut self, time: Duration) -> bool {
        if !self.received {
            self.received = !matches!(self.signals.recv_timeout(time), Err(RecvTimeoutError::Timeout));
        }
        self.received
    }
}
