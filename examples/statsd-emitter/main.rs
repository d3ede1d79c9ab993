//! Sends StatsD to the endpoint named by STATSD_UDP_HOST and STATSD_UDP_PORT, as a task would.

#![forbid(unsafe_code)]

mod sender;
mod traffic;

use clap::Parser;
use sender::Sender;
use stats_examples::Stop;
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use traffic::{Pattern, Traffic};

/// Sends StatsD lines to STATSD_UDP_HOST:STATSD_UDP_PORT, the two variables a task finds in its environment.
///
/// Without flags: one loop of lines about this process every second, each line a datagram of its own.
#[derive(Debug, Parser)]
#[command(
    after_help = "Flags may have one dash or two.\n\nExample: 1,000 lines a second for ten seconds, 20 a datagram\n  \
                        STATSD_UDP_HOST=127.0.0.1 STATSD_UDP_PORT=8125 statsd-emitter --rate 1000 --duration 10 \
                        --lines-per-datagram 20"
)]
struct Options {
    /// Print every datagram on stderr
    #[arg(long)]
    debug: bool,

    /// Send without pause
    #[arg(long, conflicts_with = "rate")]
    flood: bool,

    /// Send LINES a second, evenly; 1 to 10,000,000
    #[arg(long, value_name = "LINES", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rate: Option<u32>,

    /// Put LINES into each datagram; 1 to 1000
    #[arg(long, value_name = "LINES", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    lines_per_datagram: u16,

    /// What to send
    #[arg(long, value_enum, default_value_t = Pattern::Process)]
    pattern: Pattern,

    /// End after LINES
    #[arg(long, value_name = "LINES")]
    count: Option<u64>,

    /// End after SECONDS
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u32>,

    /// At the end, print the totals as one JSON line on stdout
    #[arg(long)]
    report_json: bool,
}

fn main() -> ExitCode {
    match run(&stats_examples::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let (host, port) = endpoint(|name| std::env::var(name).ok())?;
    let mut stop = Stop::on_signals().map_err(|e| format!("Cannot wait for signals: {e}"))?;
    let mut sender = Sender::connect(&host, port, options.lines_per_datagram.into(), options.debug)
        .map_err(|e| format!("Cannot send to STATSD_UDP_HOST={host:?} STATSD_UDP_PORT={port}: {e}"))?;
    eprintln!("Sending to {host}:{port}");
    send(options, &mut sender, &mut stop).map_err(|e| format!("Cannot read /proc/self: {e}"))?;
    if options.report_json {
        let report = serde_json::to_string(sender.totals()).map_err(|e| e.to_string())?;
        println!("{report}");
    }
    Ok(())
}

/// Reads the two variables that the module puts into a task's environment.
fn endpoint(variable: impl Fn(&str) -> Option<String>) -> Result<(String, u16), String> {
    let value = |name| {
        variable(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            format!(
                "{name} is not set; a task started by an agent with the stats module finds its endpoint there"
            )
        })
    };
    let host = value("STATSD_UDP_HOST")?;
    let port = value("STATSD_UDP_PORT")?;
    let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
        format!("STATSD_UDP_PORT={port:?} is no port; allowed are whole numbers from 1 to 65535")
    })?;
    Ok((host, port))
}

/// Sends until told to stop, or until count or duration are reached.
fn send(options: &Options, sender: &mut Sender, stop: &mut Stop) -> io::Result<()> {
    let start = Instant::now();
    let duration = options
        .duration
        .map(|seconds| Duration::from_secs(seconds.into()));
    let mut traffic = Traffic::new(options.pattern)?;
    let mut summary = Summary::new(start);
    let mut lines = 0_u64;
    while options.count.is_none_or(|count| lines < count) {
        sender.push(traffic.next_line(sender.totals())?);
        lines += 1;
        let elapsed = start.elapsed();
        let pause = match options.rate {
            Some(rate) => {
                let due = Duration::from_secs_f64(lines as f64 / f64::from(rate));
                // Shorter pauses than this cost more than they smooth.
                Some(due.saturating_sub(elapsed)).filter(|ahead| *ahead >= Duration::from_millis(2))
            }
            None if traffic.loop_ended() && !options.flood => {
                sender.flush();
                Some(Duration::from_secs(1))
            }
            None => None,
        };
        summary.print_if_due(sender);
        let left = duration.map_or(Duration::MAX, |duration| duration.saturating_sub(elapsed));
        if stop.wait(pause.unwrap_or_default().min(left)) || left.is_zero() {
            break;
        }
    }
    sender.flush();
    Ok(())
}

/// What was sent since the last line of it, every ten seconds.
struct Summary {
    since: Instant,
    bytes: u64,
    failed_bytes: u64,
}

impl Summary {
    fn new(since: Instant) -> Self {
        Self {
            since,
            bytes: 0,
            failed_bytes: 0,
        }
    }

    fn print_if_due(&mut self, sender: &Sender) {
        let elapsed = self.since.elapsed();
        if elapsed < Duration::from_secs(10) {
            return;
        }
        let totals = sender.totals();
        let bytes = totals.bytes - self.bytes;
        eprintln!(
            "Sent {bytes} bytes in {:.1} s ({:.0} B/s), {} bytes failed",
            elapsed.as_secs_f64(),
            bytes as f64 / elapsed.as_secs_f64(),
            totals.failed_bytes - self.failed_bytes,
        );
        *self = Self {
            since: Instant::now(),
            bytes: totals.bytes,
            failed_bytes: totals.failed_bytes,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint_of(variables: &[(&str, &str)]) -> Result<(String, u16), String> {
        endpoint(|name| {
            variables
                .iter()
                .find_map(|(key, value)| (*key == name).then(|| (*value).to_owned()))
        })
    }

    #[test]
    fn both_variables_are_needed() {
        let (host, port) = (("STATSD_UDP_HOST", "198.51.100.1"), ("STATSD_UDP_PORT", "8125"));
        assert_eq!(
            endpoint_of(&[host, port]).unwrap(),
            ("198.51.100.1".to_owned(), 8125)
        );
        for (variables, named) in [
            ([].as_slice(), "STATSD_UDP_HOST is not set"),
            (&[port], "STATSD_UDP_HOST is not set"),
            (&[host], "STATSD_UDP_PORT is not set"),
            (&[host, ("STATSD_UDP_PORT", "")], "STATSD_UDP_PORT is not set"),
            (
                &[host, ("STATSD_UDP_PORT", "http")],
                "STATSD_UDP_PORT=\"http\" is no port",
            ),
            (
                &[host, ("STATSD_UDP_PORT", "0")],
                "STATSD_UDP_PORT=\"0\" is no port",
            ),
            (
                &[host, ("STATSD_UDP_PORT", "65536")],
                "STATSD_UDP_PORT=\"65536\" is no port",
            ),
        ] {
            let message = endpoint_of(variables).unwrap_err();
            assert!(message.starts_with(named), "{message}");
        }
    }
}
