//! Names of the `usage.*` metrics (`reference/metrics.md` 1.17), which were spelled out field by field in the old module. They
//! follow from the names in Mesos' `ResourceStatistics`, and so does their order from that of the fields; what later releases
//! added has its name by the same rule.

/// A number in the agent's statistics of a container, and where it stands there.
pub(crate) struct Statistic {
    /// Names of the fields that lead to it, joined with dots; that of a repeated one is followed by the element's id.
    pub(crate) path: String,
    /// Its value.
    pub(crate) value: f64,
}

/// Parts of the statistics that have a shorter name as metrics.
const SECTIONS: [(&str, &str); 5] = [
    ("net_traffic_control_statistics.", "traf."),
    ("net_snmp_statistics.ip_stats.", "snmp.ip."),
    ("net_snmp_statistics.icmp_stats.", "snmp.icmp."),
    ("net_snmp_statistics.tcp_stats.", "snmp.tcp."),
    ("net_snmp_statistics.udp_stats.", "snmp.udp."),
];

/// Metrics by name, in the order of the statistics. What is no finite number was not measured.
pub(super) fn gauges(statistics: Vec<Statistic>) -> Vec<(String, f64)> {
    statistics
        .into_iter()
        .filter(|statistic| statistic.value.is_finite())
        .map(|statistic| (name(&statistic.path), statistic.value))
        .collect()
}

fn name(path: &str) -> String {
    let (section, rest) = SECTIONS
        .iter()
        .find_map(|(long, short)| Some((*short, path.strip_prefix(long)?)))
        .unwrap_or(("", path));
    // SNMP's fields are written InReceives; the id before a field, which may have any form, stays as it is.
    let field = rest.rfind('.').map_or(0, |dot| dot + 1);
    format!(
        "usage.{section}{}{}",
        &rest[..field],
        rest[field..].to_ascii_lowercase()
    )
}

/// Whole milliseconds since 1970.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the fraction is to be cut off, and what no clock shows becomes the nearest number"
)]
pub(super) fn time_ms(seconds: f64) -> i64 {
    (1000.0 * seconds) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_in_the_reference() {
        for (path, expected) in [
            ("cpus_limit", "usage.cpus_limit"),
            ("net_tcp_rtt_microsecs_p50", "usage.net_tcp_rtt_microsecs_p50"),
            ("perf.cycles", "usage.perf.cycles"),
            (
                "net_traffic_control_statistics.Egress.x.backlog",
                "usage.traf.Egress.x.backlog",
            ),
            (
                "net_snmp_statistics.ip_stats.DefaultTTL",
                "usage.snmp.ip.defaultttl",
            ),
            (
                "net_snmp_statistics.icmp_stats.InAddrMaskReps",
                "usage.snmp.icmp.inaddrmaskreps",
            ),
            ("net_snmp_statistics.tcp_stats.RtoMax", "usage.snmp.tcp.rtomax"),
            (
                "net_snmp_statistics.udp_stats.IgnoredMulti",
                "usage.snmp.udp.ignoredmulti",
            ),
            (
                "net_rate_statistics.rx_rate.p50",
                "usage.net_rate_statistics.rx_rate.p50",
            ),
        ] {
            assert_eq!(name(path), expected);
        }
    }

    #[test]
    fn order_stays_and_what_is_no_number_goes() {
        let statistics = [("threads", 2.0), ("x", f64::NAN), ("processes", 1.0)];
        let statistics = statistics.map(|(path, value)| Statistic {
            path: path.to_owned(),
            value,
        });
        assert_eq!(
            gauges(statistics.into()),
            [
                ("usage.threads".to_owned(), 2.0),
                ("usage.processes".to_owned(), 1.0)
            ]
        );
    }

    #[test]
    fn times_are_cut_to_milliseconds() {
        assert_eq!(time_ms(1_472_688_000.123_9), 1_472_688_000_123);
        assert_eq!(time_ms(0.0), 0);
        assert_eq!(time_ms(-0.0019), -1);
        assert_eq!(time_ms(f64::INFINITY), i64::MAX);
        assert_eq!(time_ms(f64::NAN), 0);
    }
}
