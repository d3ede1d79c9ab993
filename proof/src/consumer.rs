//! `dcos-stats-consumer print`, as a process that may be killed and started again.

use crate::Failure;
use crate::arrivals::Arrivals;
use crate::process::{Process, program};
use std::process::Stdio;
use std::thread::JoinHandle;

/// A running consumer.
#[derive(Debug)]
pub struct Consumer {
    process: Process,
    reader: Option<JoinHandle<()>>,
}

impl Consumer {
    /// Starts a consumer of all topics at `brokers`; what it prints goes to `arrivals`.
    ///
    /// # Errors
    ///
    /// When the system cannot start it.
    pub fn start(brokers: &str, arrivals: &Arrivals) -> Result<Self, Failure> {
        let mut command = program("dcos-stats-consumer")?;
        command
            .env("KAFKA_OVERRIDE_BOOTSTRAP_SERVERS", brokers)
            // One that was killed is to be missed soon.
            .env("KAFKA_OVERRIDE_SESSION_TIMEOUT_MS", "6000")
            .env("KAFKA_TOPIC_POLL_PERIOD_MS", "500")
            .arg("print")
            .stdout(Stdio::piped());
        let mut process = Process::start("consumer", &mut command)?;
        let reader = process.stdout().map(|stdout| arrivals.read(stdout));
        Ok(Self { process, reader })
    }

    /// Kills it as if the machine had, and reads what it has printed.
    ///
    /// # Errors
    ///
    /// When it had ended by itself before.
    pub fn kill(mut self) -> Result<(), Failure> {
        let reader = self.reader.take();
        self.process.kill()?;
        read_on(reader);
        Ok(())
    }

    /// Ends it as an operator would, and reads what it has printed.
    ///
    /// # Errors
    ///
    /// When it ends with an error or does not end.
    pub fn end(mut self) -> Result<(), Failure> {
        self.process.end()?;
        read_on(self.reader.take());
        Ok(())
    }
}

fn read_on(reader: Option<JoinHandle<()>>) {
    if let Some(reader) = reader {
        // It ends with the pipe, and does not panic.
        let _ = reader.join();
    }
}
