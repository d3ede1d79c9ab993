//! The options of the Prometheus sink.

use super::Limits;
use clap::Args;
use std::time::Duration;

/// What `/metrics` may hold.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Prometheus")]
pub struct PrometheusOptions {
    /// How many series /metrics may show; 1 to 1000000
    ///
    /// A series is a metric of one name with one set of tags. Datapoints that would need one more are refused and
    /// counted; the series that exist go on. A task that puts a request's id into a tag is what this protects from.
    #[arg(long, value_name = "SERIES", default_value = "20000",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub prometheus_series: u32,

    /// How long a series that gets no datapoints stays in /metrics; 1 to 86400
    ///
    /// More than the interval at which Prometheus reads, and than the longest pause of any sender. A counter that comes
    /// back later starts at its first increment, as after a restart.
    #[arg(long, value_name = "SECONDS", default_value = "300",
          value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub prometheus_expiry: u32,

    /// Memory for all series together; 64 to 4194303
    ///
    /// A counter or gauge takes some 130 bytes and its tags; a timer or histogram 1 to 16 kB, depending on how
    /// far apart its values are; a set up to 3 kB.
    #[arg(long, value_name = "KBYTES", default_value = "32768",
          value_parser = clap::value_parser!(u32).range(64..=4_194_303))]
    pub prometheus_memory_kbytes: u32,
}

impl PrometheusOptions {
    /// The limits they set.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            series: self.prometheus_series as usize,
            bytes: self.prometheus_memory_kbytes as usize * 1024,
            expiry: Duration::from_secs(self.prometheus_expiry.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Debug, Parser)]
    struct Options {
        #[command(flatten)]
        prometheus: PrometheusOptions,
    }

    fn read(arguments: &[&str]) -> Result<Limits, clap::Error> {
        Options::try_parse_from(["collector"].iter().chain(arguments)).map(|read| read.prometheus.limits())
    }

    #[test]
    fn defaults_and_bounds() {
        Options::command().debug_assert();
        let limits = read(&[]).unwrap();
        assert_eq!(
            (limits.series, limits.bytes, limits.expiry.as_secs()),
            (20_000, 32 << 20, 300)
        );
        let limits = read(&[
            "--prometheus-series=1",
            "--prometheus-expiry=2",
            "--prometheus-memory-kbytes=64",
        ])
        .unwrap();
        assert_eq!(
            (limits.series, limits.bytes, limits.expiry.as_secs()),
            (1, 64 << 10, 2)
        );
        for (argument, allowed) in [
            ("--prometheus-series=0", "1..=1000000"),
            ("--prometheus-expiry=0", "1..=86400"),
            ("--prometheus-memory-kbytes=63", "64..=4194303"),
        ] {
            let error = read(&[argument]).unwrap_err().to_string();
            assert!(error.contains(allowed), "{error}");
        }
    }
}
