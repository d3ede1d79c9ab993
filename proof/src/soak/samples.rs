//! What a process takes of the machine, once a second.

use super::growth::{Allowed, Line};
use crate::Failure;
use procfs::WithCurrentSystemInfo;
use procfs::process::Process;
use std::fmt::Write;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Resident memory in KiB.
    Memory,
    /// Open file descriptors.
    Descriptors,
    /// Threads.
    Threads,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Descriptors, Self::Threads];

    /// As it is called in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory, KiB",
            Self::Descriptors => "descriptors",
            Self::Threads => "threads",
        }
    }

    /// What counts as level. Queues are never equally full, and the allocator never puts things in the same places; but a
    /// hundred bytes for each container of half an hour, less than an entry in a map takes with its key, are too much. A
    /// descriptor or thread too many is one too many, but a container and a connection may be coming or going when they are
    /// counted.
    #[must_use]
    pub fn allowed(self) -> Allowed {
        match self {
            Self::Memory => Allowed {
                rise: 2048.0,
                share: 0.02,
            },
            Self::Descriptors | Self::Threads => Allowed {
                rise: 3.0,
                share: 0.0,
            },
        }
    }
}

/// One process, from the first second to the last.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Which one.
    pub process: &'static str,
    pid: i32,
    /// Seconds since the start, and the measures in the order of [`Measure::ALL`].
    rows: Vec<(f64, [u64; 3])>,
}

impl Samples {
    /// None yet.
    #[must_use]
    pub fn of(process: &'static str, pid: i32) -> Self {
        Self {
            process,
            pid,
            rows: Vec::new(),
        }
    }

    /// Takes one.
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn take(&mut self, seconds: f64) -> Result<(), Failure> {
        let row = measure(self.pid).map_err(|error| format!("{} has ended: {error}", self.process))?;
        self.rows.push((seconds, row));
        Ok(())
    }

    /// The values of one measure over time.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "no machine has so much")]
    pub fn points(&self, measure: Measure) -> Vec<(f64, f64)> {
        let rows = self.rows.iter();
        rows.map(|(seconds, row)| (*seconds, row[measure as usize] as f64))
            .collect()
    }

    /// The line through the second half of one measure, and whether it is level enough.
    #[must_use]
    pub fn growth(&self, measure: Measure) -> Option<(Line, bool)> {
        let line = Line::through_second_half(&self.points(measure))?;
        Some((line, line.rise <= measure.allowed().at(line.mean)))
    }
}

fn measure(pid: i32) -> procfs::ProcResult<[u64; 3]> {
    let process = Process::new(pid)?;
    let stat = process.stat()?;
    Ok([
        stat.rss_bytes().get() / 1024,
        process.fd_count()? as u64,
        stat.num_threads.unsigned_abs(),
    ])
}

/// All samples as comma-separated values, a line for each second.
#[must_use]
pub fn csv(all: &[Samples]) -> String {
    let mut text = String::from("seconds");
    for samples in all {
        let process = samples.process;
        let _ = write!(text, ",{process} KiB,{process} descriptors,{process} threads");
    }
    text.push('\n');
    let seconds = all.first().map(|samples| samples.rows.len()).unwrap_or_default();
    for second in 0..seconds {
        let rows: Vec<_> = all
            .iter()
            .filter_map(|samples| samples.rows.get(second))
            .collect();
        if let Some((time, _)) = rows.first() {
            let _ = write!(text, "{time:.1}");
        }
        for (_, [memory, descriptors, threads]) in rows {
            let _ = write!(text, ",{memory},{descriptors},{threads}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_this_process() {
        let mut samples = Samples::of("test", i32::try_from(std::process::id()).unwrap());
        samples.take(0.0).unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        samples.take(1.0).unwrap();
        drop(file);
        let before_and_after = |measure| {
            let points = samples.points(measure);
            (points[0].1, points[1].1)
        };
        assert!(before_and_after(Measure::Memory).0 > 100.0);
        assert!(before_and_after(Measure::Threads).0 >= 1.0);
        let (before, after) = before_and_after(Measure::Descriptors);
        // Other tests have files too.
        assert!(before >= 3.0 && after >= 3.0, "{before} {after}");
        let csv = csv(&[samples]);
        assert_eq!(csv.lines().count(), 3);
        assert!(
            csv.starts_with("seconds,test KiB,test descriptors,test threads\n0.0,"),
            "{csv}"
        );
        assert!(Samples::of("none", i32::MAX).take(0.0).is_err());
    }

    #[test]
    fn growth_is_found() {
        // Half an hour with 40 containers a second, for each of which some bytes stay.
        let rows = |bytes: u64| Samples {
            rows: (0..1800_u32)
                .map(|second| {
                    let kibibytes = 60_000 + 40 * bytes * u64::from(second) / 1024;
                    (f64::from(second), [kibibytes, 50, 5])
                })
                .collect(),
            ..Samples::default()
        };
        assert!(rows(0).growth(Measure::Memory).unwrap().1);
        assert!(rows(50).growth(Measure::Memory).unwrap().1);
        assert!(!rows(100).growth(Measure::Memory).unwrap().1);
        assert!(rows(100).growth(Measure::Threads).unwrap().1);
    }
}
