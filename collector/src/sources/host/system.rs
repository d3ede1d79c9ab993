//! What the kernel tells at once, in `/proc`.

use super::{HostTag, Readings, Values, value};
use procfs::net::InterfaceDeviceStatus;
use procfs::{CpuTime, Current, CurrentSI, KernelStats, LoadAverage, Meminfo, ProcResult, Uptime};
use std::fmt::Display;

/// Remembers the cpu's times of the last poll.
#[derive(Default)]
pub(super) struct System {
    cpu: Option<CpuTime>,
}

impl System {
    pub(super) fn poll(&mut self) -> Readings {
        let mut readings = Readings::default();
        let mut untagged = Vec::new();
        let mut add = |what: &str, values: ProcResult<Values>| match values {
            Ok(values) => untagged.extend(values),
            Err(error) => readings.failures.push(failure(what, &error)),
        };
        add("uptime", uptime());
        add("processes", processes());
        add("load", load());
        add("cpu", self.cpu());
        add("memory", memory());
        readings.groups.push((None, untagged));
        match InterfaceDeviceStatus::current() {
            Ok(interfaces) => readings.groups.extend(network(interfaces)),
            Err(error) => readings.failures.push(failure("network", &error)),
        }
        readings
    }

    fn cpu(&mut self) -> ProcResult<Values> {
        let stats = KernelStats::current()?;
        let mut values = vec![("cpu.cores", value(stats.cpu_time.len() as u64))];
        if let Some(before) = &self.cpu {
            values.extend(percentages(before, &stats.total));
        }
        self.cpu = Some(stats.total);
        Ok(values)
    }
}

fn failure(what: &str, error: &dyn Display) -> String {
    format!("{what}: {error}")
}

fn uptime() -> ProcResult<Values> {
    Ok(vec![("system.uptime", Uptime::current()?.uptime.trunc())])
}

/// Counts the names of `/proc`; to open each process would take much longer.
fn processes() -> ProcResult<Values> {
    let mut count = 0;
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        count += u64::from(name.as_encoded_bytes().iter().all(u8::is_ascii_digit));
    }
    Ok(vec![("process.count", value(count))])
}

fn load() -> ProcResult<Values> {
    let load = LoadAverage::current()?;
    // The kernel writes two decimals, and a double shows what a float adds to them.
    let decimals = |load: f32| (f64::from(load) * 100.0).round() / 100.0;
    Ok(vec![
        ("load.1min", decimals(load.one)),
        ("load.5min", decimals(load.five)),
        ("load.15min", decimals(load.fifteen)),
    ])
}

fn memory() -> ProcResult<Values> {
    let memory = Meminfo::current()?;
    let swap_used = memory.swap_total.saturating_sub(memory.swap_free);
    Ok(vec![
        ("memory.total", value(memory.mem_total)),
        ("memory.free", value(memory.mem_free)),
        ("memory.buffers", value(memory.buffers)),
        ("memory.cached", value(memory.cached)),
        ("swap.total", value(memory.swap_total)),
        ("swap.free", value(memory.swap_free)),
        ("swap.used", value(swap_used)),
    ])
}

/// Shares of the time since `before`, in percent. Guests' time is part of the user's. Counters that went back, as those of
/// iowait do, count as no change.
fn percentages(before: &CpuTime, now: &CpuTime) -> Values {
    let delta = |of: fn(&CpuTime) -> u64| of(now).saturating_sub(of(before));
    let user = delta(|time| time.user);
    let system = delta(|time| time.system);
    let idle = delta(|time| time.idle);
    let wait = delta(|time| time.iowait.unwrap_or(0));
    let other = delta(|time| time.nice)
        + delta(|time| time.irq.unwrap_or(0))
        + delta(|time| time.softirq.unwrap_or(0))
        + delta(|time| time.steal.unwrap_or(0));
    let all = value((user + system + idle + wait + other).max(1));
    let percent = |part: u64| (value(part) / all * 10_000.0).round() / 100.0;
    vec![
        ("cpu.total", percent(user + system)),
        ("cpu.user", percent(user)),
        ("cpu.system", percent(system)),
        ("cpu.idle", percent(idle)),
        ("cpu.wait", percent(wait)),
    ]
}

/// All interfaces of the collector's network namespace, which on a node is the machine's.
fn network(interfaces: InterfaceDeviceStatus) -> Vec<(Option<HostTag>, Values)> {
    let mut interfaces: Vec<_> = interfaces.0.into_values().collect();
    interfaces.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    interfaces
        .into_iter()
        .map(|interface| {
            let values = vec![
                ("network.in", value(interface.recv_bytes)),
                ("network.out", value(interface.sent_bytes)),
                ("network.in.packets", value(interface.recv_packets)),
                ("network.out.packets", value(interface.sent_packets)),
                ("network.in.dropped", value(interface.recv_drop)),
                ("network.out.dropped", value(interface.sent_drop)),
                ("network.in.errors", value(interface.recv_errs)),
                ("network.out.errors", value(interface.sent_errs)),
            ];
            (Some(("interface", interface.name)), values)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use procfs::FromBufRead;

    /// Times as `/proc/stat` has them: user, nice, system, idle, iowait, irq, softirq, steal, guest.
    fn cpu_time(times: [u64; 9]) -> CpuTime {
        let times = times.map(|time| time.to_string()).join(" ");
        let text = format!("cpu  {times} 0\ncpu0 {times} 0\nctxt 1\nbtime 1\nprocesses 1\n");
        <KernelStats as procfs::FromBufReadSI>::from_buf_read(text.as_bytes(), procfs::current_system_info())
            .unwrap()
            .total
    }

    #[test]
    fn percentages_as_the_vectors_say() {
        // metrics-vectors.md 22, in tenths of a second
        let last = cpu_time([205_648, 11_410, 53_552, 38_662, 1_614, 0, 1_388, 0, 0]);
        let current = cpu_time([206_756, 11_410, 53_881, 395_688, 1_645, 0, 1_392, 0, 0]);
        let lower = cpu_time([205_000, 11_410, 53_881, 395_688, 1_645, 0, 1_392, 0, 0]);
        let values = |now| percentages(&last, &now).into_iter().map(|(_, percent)| percent);
        assert_eq!(
            values(current).collect::<Vec<_>>(),
            [0.4, 0.31, 0.09, 99.59, 0.01]
        );
        assert_eq!(values(lower).nth(1), Some(0.0));
        let none = percentages(&last, &last);
        assert!(none.iter().all(|(_, percent)| *percent == 0.0), "{none:?}");
    }

    #[test]
    fn all_time_counts_and_a_guest_only_once() {
        let none = cpu_time([0; 9]);
        let all = cpu_time([10, 10, 10, 10, 10, 10, 20, 20, 10]);
        let expected = [20.0, 10.0, 10.0, 10.0, 10.0];
        let values: Vec<_> = percentages(&none, &all)
            .into_iter()
            .map(|(_, percent)| percent)
            .collect();
        assert_eq!(values, expected);
    }

    #[test]
    fn every_interface_has_its_eight_counts() {
        let text = "Inter-|   Receive                                                |  Transmit\n \
                    face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls \
                    carrier compressed\n  eth0: 1 2 3 4 90 90 90 90 5 6 7 8 90 90 90 90\n    lo: 9 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0\n";
        let groups = network(InterfaceDeviceStatus::from_buf_read(text.as_bytes()).unwrap());
        let expected = vec![
            ("network.in", 1.0),
            ("network.out", 5.0),
            ("network.in.packets", 2.0),
            ("network.out.packets", 6.0),
            ("network.in.dropped", 4.0),
            ("network.out.dropped", 8.0),
            ("network.in.errors", 3.0),
            ("network.out.errors", 7.0),
        ];
        assert_eq!(groups[0], (Some(("interface", "eth0".to_owned())), expected));
        assert_eq!(groups[1].0, Some(("interface", "lo".to_owned())));
    }
}
