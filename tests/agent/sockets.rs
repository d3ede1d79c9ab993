//! What a process holds open, as the kernel tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The targets of a process' file descriptors. Those that are closed meanwhile are left out.
pub(crate) fn descriptors(process: u32) -> Vec<String> {
    fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .map(|target| target.to_string_lossy().into_owned())
        .collect()
}

/// The ports of a process' UDP sockets on 127.0.0.1.
pub(crate) fn udp_ports(process: u32) -> BTreeSet<u16> {
    let ports = udp_ports_by_socket();
    descriptors(process)
        .iter()
        .filter_map(|target| ports.get(target))
        .copied()
        .collect()
}

/// The ports of all UDP sockets on 127.0.0.1, by what a file descriptor's target is called.
fn udp_ports_by_socket() -> BTreeMap<String, u16> {
    let table = fs::read_to_string("/proc/net/udp").unwrap();
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<_> = line.split_ascii_whitespace().collect();
            let port = fields[1].strip_prefix("0100007F:")?;
            Some((
                format!("socket:[{}]", fields[9]),
                u16::from_str_radix(port, 16).unwrap(),
            ))
        })
        .collect()
}

/// Resident memory of a process, in kB.
pub(crate) fn resident_kbytes(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}
