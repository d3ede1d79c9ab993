//! The sums that have to agree if nothing was lost silently.

use crate::reports::{Reasons, Reports};
use crate::route::{FLOOD, FLOOD_LINES};

/// Two sums that have to agree.
pub(super) struct Check {
    pub(super) what: String,
    pub(super) left: u64,
    pub(super) right: u64,
    /// By how much the left one may be less.
    slack: u64,
}

impl Check {
    pub(super) fn holds(&self) -> bool {
        self.left <= self.right && self.left + self.slack >= self.right
    }
}

pub(super) fn checks(reports: &Reports) -> Vec<Check> {
    let Reports {
        module,
        collector,
        at_statsd,
        at_collector,
        ..
    } = reports;
    let (statsd_output, collector_output) = (&module.statsd_output, &module.collector_output);
    let datagrams = datagrams_sent(reports);
    let bytes: u64 = reports.emitters.iter().map(|emitter| emitter.bytes).sum();
    let lines = lines_sent(reports);
    let lost_datagrams = module.datagrams_throttled + module.datagrams_panicked + module.kernel_drops;
    let mut checks = Vec::new();
    let mut check = |what: &str, left, right| {
        checks.push(Check {
            what: what.into(),
            left,
            right,
            slack: 0,
        });
    };

    check(
        "datagrams sent = received + without room",
        datagrams,
        module.datagrams_received + module.kernel_drops,
    );
    if module.kernel_drops == 0 {
        check("bytes sent = received", bytes, module.bytes_received);
    }
    check(
        "datagrams received = read + throttled + panicked over",
        module.datagrams_received,
        module.datagrams_read + module.datagrams_throttled + module.datagrams_panicked,
    );
    if lost_datagrams == 0 {
        check("lines sent = received", lines, module.lines_received);
    }
    let lines_in = module.lines_received + module.lines_generated;
    check(
        "lines received + made = at the StatsD output",
        lines_in,
        statsd_output.lines,
    );
    check(
        "lines received + made = at the collector output",
        lines_in,
        collector_output.lines,
    );
    check(
        "StatsD output: lines = forwarded + dropped + pending",
        statsd_output.lines,
        statsd_output.lines_forwarded + sum(&statsd_output.lines_dropped) + statsd_output.lines_pending,
    );
    // The emitters send one value a line.
    check(
        "collector output: lines = datapoints + events + service checks + no numbers",
        collector_output.lines,
        collector_output.datapoints
            + collector_output.events
            + collector_output.service_checks
            + collector_output.values_non_finite,
    );
    check(
        "collector output: datapoints = forwarded + dropped + pending",
        collector_output.datapoints,
        collector_output.datapoints_forwarded
            + sum(&collector_output.datapoints_dropped)
            + collector_output.datapoints_pending,
    );
    check(
        "StatsD datagrams forwarded = received here + without room here",
        statsd_output.datagrams_forwarded,
        at_statsd.datagrams + reports.statsd_kernel_drops,
    );
    if reports.statsd_kernel_drops == 0 {
        check(
            "StatsD lines forwarded = received here",
            statsd_output.lines_forwarded,
            at_statsd.total(),
        );
    }
    check(
        "datapoints forwarded = received by the collector",
        collector_output.datapoints_forwarded,
        collector.datapoints_received,
    );
    let stdout = &collector.sinks.stdout;
    check(
        "collector: received = printed + dropped",
        collector.datapoints_received,
        stdout.datapoints_written + sum(&stdout.datapoints_dropped),
    );
    check(
        "collector: printed = read here",
        stdout.datapoints_written,
        at_collector.total(),
    );
    check(
        "lines and datapoints of no known container",
        at_statsd.stray + at_collector.stray,
        0,
    );
    checks.extend(container_checks(reports));
    checks
}

/// Line by line, where no datagram of unknown content was lost on the way.
fn container_checks(reports: &Reports) -> Vec<Check> {
    let Reports {
        module,
        at_statsd,
        at_collector,
        ..
    } = reports;
    let mut checks = Vec::new();
    if module.kernel_drops > 0 || module.datagrams_panicked > 0 {
        return checks;
    }
    // Only the flood is ever throttled, and all its datagrams are full but its last.
    let unread = lines_sent(reports).saturating_sub(module.lines_received);
    checks.push(Check {
        what: format!("lines in throttled datagrams = {FLOOD_LINES} each"),
        left: unread,
        right: module.datagrams_throttled * FLOOD_LINES,
        slack: if module.datagrams_throttled > 0 {
            FLOOD_LINES - 1
        } else {
            0
        },
    });
    let statsd_lost = reports.statsd_kernel_drops + sum(&module.statsd_output.lines_dropped);
    let collector_lost = sum(&module.collector_output.datapoints_dropped)
        + sum(&reports.collector.sinks.stdout.datapoints_dropped);
    for (end, lost, arrived) in [
        ("StatsD", statsd_lost, at_statsd),
        ("collector", collector_lost, at_collector),
    ] {
        let containers = reports
            .containers
            .iter()
            .zip(&reports.emitters)
            .zip(&arrived.tasks);
        for ((container, emitter), arrived) in containers.filter(|_| lost == 0) {
            let unread = if *container == FLOOD { unread } else { 0 };
            checks.push(Check {
                what: format!("container {container}: lines sent, less those throttled, = at the {end} end"),
                left: emitter.lines.saturating_sub(unread),
                right: *arrived,
                slack: 0,
            });
        }
    }
    checks
}

pub(super) fn datagrams_sent(reports: &Reports) -> u64 {
    reports.emitters.iter().map(|emitter| emitter.datagrams).sum()
}

pub(super) fn lines_sent(reports: &Reports) -> u64 {
    reports.emitters.iter().map(|emitter| emitter.lines).sum()
}

fn sum(reasons: &Reasons) -> u64 {
    reasons.values().sum()
}
