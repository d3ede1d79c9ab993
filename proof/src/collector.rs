//! `dcos-stats-collector`, as a process that may be killed and started again on the same port.

use crate::Failure;
use crate::arrivals::Arrivals;
use crate::books::Balance;
use crate::process::{Process, program};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::JoinHandle;

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    process: Process,
    reader: Option<JoinHandle<()>>,
}

impl Collector {
    /// Starts a collector that listens on `port` of the loopback interface; what it prints goes to `arrivals`, if anywhere.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(port: u16, arguments: &[String], arrivals: Option<&Arrivals>) -> Result<Self, Failure> {
        let mut command = program("dcos-stats-collector")?;
        command
            .arg(format!("--listen=127.0.0.1:{port}"))
            .args(arguments)
            .stdout(if arrivals.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            });
        let mut process = Process::start("collector", &mut command)?;
        let reader = process
            .stdout()
            .zip(arrivals)
            .map(|(stdout, arrivals)| arrivals.read(stdout));
        process.wait_for_log("Listening on ")?;
        Ok(Self { process, reader })
    }

    /// The collector's process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// How many datapoints for this sink the collector before this one held when it was killed, as this one says.
    #[must_use]
    pub fn lost_before(&self, sink: &str) -> u64 {
        self.process
            .logged("was killed while it held ")
            .and_then(|rest| {
                rest.strip_suffix(&format!(" datapoints for {sink}"))?
                    .parse()
                    .ok()
            })
            .unwrap_or_default()
    }

    /// Kills it as if the machine had, and reads what it has printed.
    ///
    /// # Errors
    ///
    /// When it had ended by itself before.
    pub fn kill(self) -> Result<(), Failure> {
        self.process.kill()?;
        join(self.reader);
        Ok(())
    }

    /// Ends it as an operator would; what it says of itself in the end, and says to balance.
    ///
    /// # Errors
    ///
    /// When it ends with an error or does not end.
    pub fn end(mut self) -> Result<Balance, Failure> {
        self.process.end()?;
        join(self.reader.take());
        let text = self
            .process
            .logged("Final balance: ")
            .ok_or_else(|| self.process.failure("has no final balance"))?;
        serde_json::from_str(&text).map_err(|error| format!("collector: balance {text}: {error}"))
    }
}

fn join(reader: Option<JoinHandle<()>>) {
    if let Some(reader) = reader {
        // It ends with the pipe, and does not panic.
        let _ = reader.join();
    }
}

/// A TCP port that nobody has, below those that the kernel gives to sockets without a port of their own: nobody gets it by
/// chance while the collector is away.
///
/// # Errors
///
/// When there is none.
pub fn free_port() -> Result<u16, Failure> {
    static CALLS: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 9_000).unwrap_or_default();
    std::iter::repeat_with(|| CALLS.fetch_add(1, Ordering::Relaxed))
        .take(9_000)
        .map(|step| 10_000 + (start + step) % 9_000)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| "no TCP port from 10000 to 18999 is free".to_owned())
}
