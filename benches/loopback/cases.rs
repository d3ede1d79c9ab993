//! What is measured, and what it should come to.

use crate::load::{Bench, Cost, Length};
use crate::traffic::Traffic;
use std::fs;
use std::io;

/// One line of the report.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    measure: Measure,
}

enum Measure {
    /// StatsD to StatsD: CPU time in relation to the bare program.
    Forwarding(Traffic),
    /// StatsD to Avro over TCP: CPU time beyond bare receiving.
    Collector(Traffic),
    /// Time of the calls for containers that come and go, with so many there and traffic.
    Registering(Traffic),
    /// Resident memory with so many endpoints, in MiB at most.
    Memory(usize, u32),
}

const fn traffic(
    datagrams_per_second: u64,
    lines_per_datagram: usize,
    endpoints: usize,
    burst: usize,
) -> Traffic {
    Traffic {
        datagrams_per_second,
        lines_per_datagram,
        endpoints,
        burst,
    }
}

/// All of them.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "1-line-1-endpoint",
        measure: Measure::Forwarding(traffic(200_000, 1, 1, 2)),
    },
    Case {
        name: "1-line-100-endpoints",
        measure: Measure::Forwarding(traffic(200_000, 1, 100, 2)),
    },
    Case {
        name: "28-lines-1-endpoint",
        measure: Measure::Forwarding(traffic(20_000, 28, 1, 2)),
    },
    Case {
        name: "28-lines-100-endpoints",
        measure: Measure::Forwarding(traffic(20_000, 28, 100, 2)),
    },
    Case {
        name: "flood-1-endpoint",
        measure: Measure::Forwarding(traffic(400_000, 1, 1, 16)),
    },
    Case {
        name: "flood-100-endpoints",
        measure: Measure::Forwarding(traffic(400_000, 1, 100, 4)),
    },
    Case {
        name: "collector",
        measure: Measure::Collector(traffic(20_000, 28, 1, 2)),
    },
    Case {
        name: "collector-100-endpoints",
        measure: Measure::Collector(traffic(20_000, 28, 100, 2)),
    },
    Case {
        name: "registering",
        measure: Measure::Registering(traffic(100_000, 1, 1000, 2)),
    },
    Case {
        name: "memory-100",
        measure: Measure::Memory(100, 12),
    },
    Case {
        name: "memory-1000",
        measure: Measure::Memory(1000, 48),
    },
];

impl Case {
    /// Measures, and says what came out.
    pub(crate) fn run(&self, length: Length) -> io::Result<String> {
        let mut bench = Bench::new()?;
        match &self.measure {
            Measure::Forwarding(traffic) => {
                let costs = bench.compare(&["statsd", "bare", "bare-woken"], traffic, length)?;
                let [core, bare, woken] = &costs[..] else {
                    return Err(io::Error::other("three programs have three costs"));
                };
                Ok(format!(
                    "{:.3} us/line, bare {:.3}, ratio {:.2} (aim 1.10, at most 1.25); bare without pause {:.3}, ratio {:.2}; {}",
                    core.micros_per_line,
                    bare.micros_per_line,
                    core.micros_per_line / bare.micros_per_line,
                    woken.micros_per_line,
                    core.micros_per_line / woken.micros_per_line,
                    losses(&[("core", core), ("bare", bare), ("without pause", woken)])
                ))
            }
            Measure::Collector(traffic) => {
                let costs = bench.compare(&["collector", "receiving"], traffic, length)?;
                let [core, receiving] = &costs[..] else {
                    return Err(io::Error::other("two programs have two costs"));
                };
                Ok(format!(
                    "{:.3} us/line, receiving alone {:.3}, beyond it {:.3} (at most 0.30); {}",
                    core.micros_per_line,
                    receiving.micros_per_line,
                    core.micros_per_line - receiving.micros_per_line,
                    losses(&[("core", core), ("receiving", receiving)])
                ))
            }
            Measure::Registering(traffic) => registering(&mut bench, traffic, length),
            Measure::Memory(endpoints, most) => {
                let program = bench.start("statsd,collector", *endpoints)?;
                let mebibytes = resident_kbytes(program.process.id())? / 1024.0;
                Ok(format!(
                    "{mebibytes:.1} MiB resident with {endpoints} idle endpoints and both outputs (below {most})"
                ))
            }
        }
    }
}

fn losses(costs: &[(&str, &Cost)]) -> String {
    let (_, first) = &costs[0];
    let lost: Vec<_> = costs
        .iter()
        .filter(|(_, cost)| cost.datagrams_lost > 0)
        .map(|(name, cost)| {
            let (lost, drops) = (cost.datagrams_lost, cost.kernel_drops);
            format!("{name} {lost} ({drops} dropped by the kernel)")
        })
        .collect();
    format!(
        "lost of {} datagrams at {:.0}/s: {}",
        first.datagrams_sent,
        first.datagrams_per_second,
        if lost.is_empty() {
            "none".to_owned()
        } else {
            lost.join(", ")
        }
    )
}

fn registering(bench: &mut Bench, traffic: &Traffic, length: Length) -> io::Result<String> {
    let mut program = bench.start("statsd,collector", traffic.endpoints)?;
    let duration = length.round * u32::try_from(length.rounds).map_err(io::Error::other)?;
    // The traffic begins before the first container comes and ends after the last has gone.
    bench.send(traffic, &program, duration + length.round)?;
    let mut nanos = program.process.ask(&format!("churn {}", duration.as_millis()))?;
    let [sent, _] = bench.peer.hear()?[..] else {
        return Err(io::Error::other("the peer says how many and how long"));
    };
    let unregistering = nanos.split_off(nanos.len() / 2);
    let mut texts = Vec::new();
    for (call, mut nanos) in [("register", nanos), ("unregister", unregistering)] {
        nanos.sort_unstable();
        let micros = |percent: usize| nanos[(nanos.len() - 1) * percent / 100] / 1000;
        texts.push(format!(
            "{call} p50 {} us, p99 {} us, most {} us",
            micros(50),
            micros(99),
            micros(100)
        ));
    }
    Ok(format!(
        "{} (p99 below 1000), {} with {} there and {sent} datagrams under way, state on tmpfs",
        texts[0], texts[1], traffic.endpoints
    ))
}

/// Of a process, in KiB.
fn resident_kbytes(process: u32) -> io::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .ok_or_else(|| io::Error::other(format!("/proc/{process}/status says nothing of VmRSS")))
}
