//! What this process holds of memory, under the names Go's runtime had for it.

use std::{fs, io};

/// The figures of `mem.*` (`reference/metrics.md` 4.1). Rust has no runtime that keeps such counts, so the kernel's take
/// their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Resident now, bytes.
    pub alloc: u64,
    /// The most that was ever resident, bytes.
    pub total_alloc: u64,
    /// Mapped from the system, bytes.
    pub sys: u64,
    /// Always 0, as in all recent versions of Go.
    pub lookups: u64,
    /// Pages obtained so far: the minor page faults.
    pub mallocs: u64,
    /// Pages of those that are not resident any more.
    pub frees: u64,
}

impl Memory {
    /// Asks the kernel.
    ///
    /// # Errors
    ///
    /// When `/proc/self` cannot be read or does not look as `man 5 proc` says.
    pub fn now() -> io::Result<Self> {
        let statm = fs::read_to_string("/proc/self/statm")?;
        let stat = fs::read_to_string("/proc/self/stat")?;
        let status = fs::read_to_string("/proc/self/status")?;
        Self::read(&statm, &stat, &status, page_bytes())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unexpected text in /proc/self"))
    }

    fn read(statm: &str, stat: &str, status: &str, page_bytes: u64) -> Option<Self> {
        let mut statm = statm.split_ascii_whitespace().map(str::parse::<u64>);
        let (sys, resident) = (statm.next()?.ok()?, statm.next()?.ok()?);
        // The second field, the program's name, may hold spaces and brackets of its own.
        let (_, after_name) = stat.rsplit_once(')')?;
        let faults = after_name.split_ascii_whitespace().nth(7)?.parse::<u64>().ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let peak = peak.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
        Some(Self {
            alloc: resident * page_bytes,
            total_alloc: peak * 1024,
            sys: sys * page_bytes,
            lookups: 0,
            mallocs: faults,
            frees: faults.saturating_sub(resident),
        })
    }
}

fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_this_process() {
        let before = Memory::now().unwrap();
        assert!(
            before.alloc > 0 && before.alloc <= before.total_alloc && before.alloc <= before.sys,
            "{before:?}"
        );
        let large = vec![1_u8; 64 << 20];
        let after = Memory::now().unwrap();
        assert!(after.alloc >= before.alloc + (48 << 20), "{before:?} {after:?}");
        assert!(after.mallocs > before.mallocs, "{before:?} {after:?}");
        drop(large);
    }

    #[test]
    fn fields_of_the_files() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 1234 5 6 7";
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1024 kB\n";
        let memory = Memory::read("1000 100 50 1 0 200 0\n", stat, status, 4096).unwrap();
        assert_eq!(
            memory,
            Memory {
                alloc: 409_600,
                total_alloc: 2_097_152,
                sys: 4_096_000,
                lookups: 0,
                mallocs: 1234,
                frees: 1134
            }
        );
        assert_eq!(Memory::read("", stat, status, 4096), None);
        assert_eq!(Memory::read("1 2", "42 (x) S", status, 4096), None);
    }
}
