//! Runs programs under the same traffic in turns, and says what a line cost each.

use crate::companion::Companion;
use crate::traffic::Traffic;
use crate::{measured, peer};
use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long and how often things are measured.
#[derive(Clone, Copy)]
pub(crate) struct Length {
    pub(crate) round: Duration,
    pub(crate) rounds: usize,
}

/// A sender and receiver, and a directory in memory for the state of cores.
pub(crate) struct Bench {
    pub(crate) peer: Companion,
    ports: Vec<u64>,
    state: TempDir,
}

/// A measured process and its endpoints.
pub(crate) struct Program {
    pub(crate) process: Companion,
    endpoints: Vec<u64>,
}

/// What one program needed and lost, over all rounds.
pub(crate) struct Cost {
    /// CPU time, median of the rounds.
    pub(crate) micros_per_line: f64,
    pub(crate) datagrams_sent: u64,
    pub(crate) datagrams_lost: u64,
    /// As the kernel tells it for the endpoints.
    pub(crate) kernel_drops: u64,
    /// What the sender reached.
    pub(crate) datagrams_per_second: f64,
}

impl Bench {
    pub(crate) fn new() -> io::Result<Self> {
        let mut peer = Companion::start(&[peer::NAME])?;
        let ports = peer.hear()?;
        // Where agents keep the state, /var/run, is a tmpfs.
        let state = tempfile::Builder::new()
            .prefix("dcos-stats-bench-")
            .tempdir_in("/dev/shm")?;
        Ok(Self { peer, ports, state })
    }

    /// Starts a program of this kind, see [`measured::run`].
    pub(crate) fn start(&self, kind: &str, endpoints: usize) -> io::Result<Program> {
        let state = tempfile::tempdir_in(&self.state)?.keep();
        let [statsd, collector] = &self.ports[..] else {
            return Err(io::Error::other("the peer has two ports"));
        };
        let mut process = Companion::start(&[
            measured::NAME,
            kind,
            &endpoints.to_string(),
            &statsd.to_string(),
            &collector.to_string(),
            &state.to_string_lossy(),
        ])?;
        let endpoints = process.hear()?;
        Ok(Program { process, endpoints })
    }

    /// Begins to send to a program; the peer answers when it is done.
    pub(crate) fn send(&mut self, traffic: &Traffic, to: &Program, duration: Duration) -> io::Result<()> {
        let ports: Vec<_> = to.endpoints.iter().map(u64::to_string).collect();
        self.peer.tell(&format!(
            "send {} {} {} {} {}",
            traffic.datagrams_per_second,
            traffic.lines_per_datagram,
            traffic.burst,
            duration.as_millis(),
            ports.join(" ")
        ))
    }

    /// Measures programs of these kinds in turns.
    pub(crate) fn compare(
        &mut self,
        kinds: &[&str],
        traffic: &Traffic,
        length: Length,
    ) -> io::Result<Vec<Cost>> {
        let mut programs = Vec::new();
        for kind in kinds {
            let program = self.start(kind, traffic.endpoints)?;
            programs.push((program, Rounds::default()));
        }
        // One more round, because the first touches memory for the first time and only its losses are counted.
        for _ in 0..=length.rounds {
            for (program, rounds) in &mut programs {
                rounds.0.push(self.round(program, traffic, length.round)?);
            }
        }
        let cost = |(program, rounds): (Program, Rounds)| Ok(rounds.cost(kernel_drops(&program.endpoints)?));
        programs.into_iter().map(cost).collect()
    }

    fn round(&mut self, program: &mut Program, traffic: &Traffic, duration: Duration) -> io::Result<Round> {
        let before = usage(program)?;
        self.send(traffic, program, duration)?;
        let [sent, micros] = self.peer.hear()?[..] else {
            return Err(io::Error::other("the peer says how many and how long"));
        };
        let mut after = usage(program)?;
        // What was lost never comes, so there is an end to waiting.
        let end = Instant::now() + Duration::from_secs(1);
        while after.datagrams - before.datagrams < sent && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
            after = usage(program)?;
        }
        let datagrams = after.datagrams - before.datagrams;
        let lines = datagrams * traffic.lines_per_datagram as u64;
        let counted = after.lines - before.lines;
        if counted != lines && counted != 0 {
            return Err(io::Error::other(format!(
                "{counted} lines in {datagrams} datagrams, not {lines}"
            )));
        }
        Ok(Round {
            micros_per_line: (after.cpu_micros - before.cpu_micros) as f64 / lines as f64,
            sent,
            received: datagrams,
            seconds: micros as f64 / 1e6,
        })
    }
}

struct Usage {
    cpu_micros: u64,
    datagrams: u64,
    lines: u64,
}

fn usage(program: &mut Program) -> io::Result<Usage> {
    match program.process.ask("usage")?[..] {
        [cpu_micros, datagrams, lines] => Ok(Usage {
            cpu_micros,
            datagrams,
            lines,
        }),
        _ => Err(io::Error::other("a measured process says three numbers")),
    }
}

/// The drops of all sockets at these ports together.
fn kernel_drops(ports: &[u64]) -> io::Result<u64> {
    let table = fs::read_to_string("/proc/net/udp")?;
    let drops = table.lines().skip(1).filter_map(|socket| {
        let mut fields = socket.split_ascii_whitespace();
        let (_, port) = fields.nth(1)?.split_once(':')?;
        let port = u64::from_str_radix(port, 16).ok()?;
        let drops = fields.next_back()?.parse::<u64>().ok()?;
        ports.contains(&port).then_some(drops)
    });
    Ok(drops.sum())
}

struct Round {
    micros_per_line: f64,
    sent: u64,
    received: u64,
    seconds: f64,
}

#[derive(Default)]
struct Rounds(Vec<Round>);

impl Rounds {
    fn cost(self, kernel_drops: u64) -> Cost {
        let sent = self.0.iter().map(|round| round.sent).sum();
        let received: u64 = self.0.iter().map(|round| round.received).sum();
        let seconds: f64 = self.0.iter().map(|round| round.seconds).sum();
        let mut costs: Vec<_> = self.0[1..].iter().map(|round| round.micros_per_line).collect();
        costs.sort_unstable_by(f64::total_cmp);
        Cost {
            micros_per_line: costs[costs.len() / 2],
            datagrams_sent: sent,
            datagrams_lost: sent - received,
            kernel_drops,
            datagrams_per_second: sent as f64 / seconds,
        }
    }
}
