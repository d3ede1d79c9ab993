//! The sums that agree at the end of a run: every number that was sent has arrived, or is in exactly one drop counter.
//!
//! Numbers may arrive more than once, for what a collector did not acknowledge is sent again. So copies are counted as well:
//! those that were made on the way are either among what arrived or among what was dropped, and where a drop counter holds
//! the copy of a number that arrived, it is too great by so many at most.

use crate::Failure;
use crate::arrivals::{Arrived, Numbers};
use crate::books::{Accounting, Balance, Noted, Reasons, Sink};
use crate::generator::{LINES, Sent};
use std::fmt::{self, Display, Formatter};
use std::ops::RangeInclusive;
use std::time::Instant;

mod kills;

const BESIDES_KILLS: &str = "numbers missing, those dropped being among them";
const AROUND_KILLS: &str = "numbers missing that were not sent around a kill, of those dropped";

/// What a run leaves behind.
#[derive(Debug)]
pub struct Evidence {
    /// What each container's task sent.
    pub sent: Vec<Sent>,
    /// What came out.
    pub arrived: Arrived,
    /// The books of the node that was there at the end.
    pub node: Accounting,
    /// The balances of the collectors that were ended, and not killed.
    pub collectors: Vec<Balance>,
    /// The collector's output that leads to the far end.
    pub sink: &'static str,
    /// From when to when each killed node may have lost what nobody counts.
    pub nodes_killed: Vec<RangeInclusive<Instant>>,
    /// The same for collectors.
    pub collectors_killed: Vec<RangeInclusive<Instant>>,
    /// What each killed collector had noted.
    pub noted_when_killed: Vec<Noted>,
    /// What collectors held when they were killed, as those after them say. A copy of a number that arrived may be among it.
    pub held_when_killed: u64,
    /// How often the program that prints at the far end was killed, half a line of which may be there.
    pub printers_killed: u64,
    /// Whether the consumer may have read messages twice.
    pub consumed_again: bool,
}

/// A number that must lie between two others, mostly the same ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// In words.
    pub what: String,
    /// What it is.
    pub is: u64,
    /// What it may be.
    pub may_be: RangeInclusive<u64>,
}

/// The sums of a run, and whether they agree.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// What happened to how many numbers, for people.
    pub fates: Vec<(&'static str, u64)>,
    /// The sums.
    pub checks: Vec<Check>,
}

/// Numbers by what became of them.
#[derive(Debug)]
struct Totals {
    sent: u64,
    refused: u64,
    arrived: u64,
    unread: u64,
    throttled: u64,
    dropped_by_module: u64,
    dropped_by_collector: u64,
    /// By the collectors that were ended.
    received: u64,
    missing: Missing,
}

/// Where the numbers that did not arrive went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Missing {
    /// All of them but those the kernel refused.
    all: u64,
    /// Those sent when nothing was killed.
    outside_kills: u64,
    /// Refused, and there nevertheless.
    refused_and_arrived: u64,
    /// There, and never sent.
    never_sent: u64,
}

impl Identity {
    /// Adds up.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Self {
        let totals = Totals::of(evidence);
        let mut identity = Self {
            fates: totals.fates(evidence),
            checks: Vec::new(),
        };
        identity.add_arrived(evidence, &totals);
        identity.add_module(evidence, &totals);
        identity.add_collectors(evidence, &totals);
        identity.add_missing(evidence, &totals);
        identity.add_killed_collectors(evidence, &totals);
        identity
    }

    /// Nothing came out that was not sent.
    fn add_arrived(&mut self, evidence: &Evidence, totals: &Totals) {
        let missing = &totals.missing;
        self.equal("numbers that arrived and were never sent", missing.never_sent, 0);
        self.equal(
            "numbers that arrived and were refused",
            missing.refused_and_arrived,
            0,
        );
        let stray = evidence.arrived.stray;
        let what = "texts and datapoints that are no number of that container";
        self.add(what, stray, 0..=evidence.printers_killed);
        if !evidence.consumed_again && evidence.nodes_killed.is_empty() {
            let again = evidence.node.collector_output.datapoints_sent_again;
            let what = "numbers that arrived once more, of those sent again";
            self.add(what, evidence.arrived.copies - totals.arrived, 0..=again);
        }
    }

    /// The module's books, and that they begin with what was sent.
    fn add_module(&mut self, evidence: &Evidence, totals: &Totals) {
        let node = &evidence.node;
        if evidence.nodes_killed.is_empty() {
            let taken = node.datagrams_received + node.kernel_drops + totals.refused / LINES;
            let what = "datagrams sent = received + without room + refused";
            self.equal(what, totals.sent / LINES, taken);
            let read = node.datagrams_received - node.datagrams_throttled - node.datagrams_panicked;
            let what = "lines received = those of the datagrams read";
            self.equal(what, node.lines_received, LINES * read);
        }
        let output = &node.collector_output;
        let what = "module: lines received = datapoints";
        self.equal(what, node.lines_received, output.datapoints);
        let fates = output.datapoints_forwarded + totals.dropped_by_module;
        self.equal(
            "module: datapoints = acknowledged + dropped",
            output.datapoints,
            fates,
        );
    }

    /// The collectors' balances, that they begin with what the module sent, and end with what arrived.
    fn add_collectors(&mut self, evidence: &Evidence, totals: &Totals) {
        let output = &evidence.node.collector_output;
        if evidence.nodes_killed.is_empty() && evidence.collectors_killed.is_empty() {
            let forwarded = output.datapoints_forwarded;
            // One that was dropped at the end may have come just before that.
            let most = forwarded + output.datapoints_sent_again + totals.dropped_by_module;
            let what = "datapoints the collector received";
            self.add(what, totals.received, forwarded..=most);
        }
        for (number, collector) in evidence.collectors.iter().enumerate() {
            if let Some(sink) = collector.sinks.get(evidence.sink) {
                let fates = sink.datapoints_written + sum(&sink.datapoints_dropped);
                let what = format!("collector {number}: received = written + dropped");
                self.equal(&what, collector.datapoints_received, fates);
            }
        }
        let written: u64 = evidence.sinks().map(|sink| sink.datapoints_written).sum();
        let most = if evidence.consumed_again || !evidence.collectors_killed.is_empty() {
            u64::MAX
        } else {
            // What was dropped when it had to end may have been on its way.
            let at_end = |sink: &Sink| sink.datapoints_dropped.get("shutdown").copied();
            written + evidence.sinks().filter_map(at_end).sum::<u64>()
        };
        let what = "datapoints that arrived, of those written";
        self.add(what, evidence.arrived.copies, written..=most);
    }

    /// What did not arrive was dropped, and the other way round.
    fn add_missing(&mut self, evidence: &Evidence, totals: &Totals) {
        let (missing, dropped) = (&totals.missing, totals.dropped());
        if evidence.nodes_killed.is_empty() && evidence.collectors_killed.is_empty() {
            // Each drop but those of copies is a number that is missing.
            let forwarded = evidence.node.collector_output.datapoints_forwarded;
            let copies = totals.received.saturating_sub(forwarded);
            let least = dropped.saturating_sub(copies);
            self.add("numbers missing = dropped", missing.all, least..=dropped);
            return;
        }
        self.add(AROUND_KILLS, missing.outside_kills, 0..=dropped);
        if evidence.collectors_killed.is_empty() {
            // What the last node and the collectors dropped is missing besides.
            let copies = evidence.node.collector_output.datapoints_sent_again;
            self.add(
                BESIDES_KILLS,
                missing.all,
                dropped.saturating_sub(copies)..=u64::MAX,
            );
        }
    }

    /// Adds the sum that two numbers must be the same.
    pub fn equal(&mut self, what: &str, is: u64, must_be: u64) {
        self.add(what, is, must_be..=must_be);
    }

    /// Adds the sum that a number must lie between two others.
    pub fn add(&mut self, what: &str, is: u64, may_be: RangeInclusive<u64>) {
        self.checks.push(Check {
            what: what.to_owned(),
            is,
            may_be,
        });
    }

    /// How many numbers met with this fate.
    #[must_use]
    pub fn fate(&self, fate: &str) -> u64 {
        self.fates
            .iter()
            .find_map(|(name, count)| (*name == fate).then_some(*count))
            .unwrap_or_default()
    }

    /// Whether all sums agree.
    ///
    /// # Errors
    ///
    /// When one does not: all of them as text.
    pub fn verify(&self) -> Result<(), Failure> {
        if self.checks.iter().all(Check::holds) {
            return Ok(());
        }
        Err(format!("the sums do not agree\n{self}"))
    }
}

impl Check {
    /// Whether it is so.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.may_be.contains(&self.is)
    }
}

impl Display for Identity {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (fate, count) in &self.fates {
            writeln!(out, "  {count:>12} {fate}")?;
        }
        for check in &self.checks {
            let verdict = if check.holds() { "ok   " } else { "WRONG" };
            let (least, most) = (check.may_be.start(), check.may_be.end());
            write!(out, "  {verdict} {}: {}", check.what, check.is)?;
            match (least == most, *most == u64::MAX) {
                (true, _) => writeln!(out, " = {least}")?,
                (_, true) => writeln!(out, ", at least {least}")?,
                _ => writeln!(out, ", from {least} to {most}")?,
            }
        }
        Ok(())
    }
}

impl Evidence {
    fn sinks(&self) -> impl Iterator<Item = &Sink> {
        self.collectors
            .iter()
            .filter_map(|collector| collector.sinks.get(self.sink))
    }
}

impl Totals {
    fn of(evidence: &Evidence) -> Self {
        let node = &evidence.node;
        let sent = || evidence.sent.iter();
        let received = evidence.collectors.iter().map(|one| one.datapoints_received);
        Self {
            sent: sent().map(Sent::numbers).sum(),
            refused: sent().map(|sent| sent.refused.len()).sum(),
            arrived: evidence.arrived.numbers.iter().map(Numbers::len).sum(),
            unread: LINES * (node.kernel_drops + node.datagrams_panicked),
            throttled: LINES * node.datagrams_throttled,
            dropped_by_module: sum(&node.collector_output.datapoints_dropped),
            dropped_by_collector: evidence.sinks().map(|sink| sum(&sink.datapoints_dropped)).sum(),
            received: received.sum(),
            missing: Missing::of(evidence),
        }
    }

    /// All drop counters together.
    fn dropped(&self) -> u64 {
        self.unread + self.throttled + self.dropped_by_module + self.dropped_by_collector
    }

    fn fates(&self, evidence: &Evidence) -> Vec<(&'static str, u64)> {
        vec![
            ("sent", self.sent),
            ("arrived", self.arrived),
            ("arrived once more", evidence.arrived.copies - self.arrived),
            ("refused by the kernel", self.refused),
            ("without room in the kernel, or panicked over", self.unread),
            ("throttled", self.throttled),
            ("dropped by the module", self.dropped_by_module),
            (
                "sent again by the module",
                evidence.node.collector_output.datapoints_sent_again,
            ),
            ("dropped by the collector", self.dropped_by_collector),
            ("held by a killed collector", evidence.held_when_killed),
            ("missing", self.missing.all),
            (
                "missing, and sent when nothing was killed",
                self.missing.outside_kills,
            ),
        ]
    }
}

impl Missing {
    fn of(evidence: &Evidence) -> Self {
        let mut missing = Self::default();
        for (sent, arrived) in evidence.sent.iter().zip(&evidence.arrived.numbers) {
            let mut arrived_and_sent = 0;
            for number in 0..sent.numbers() {
                match (arrived.contains(number), sent.refused.contains(number)) {
                    (true, is_refused) => {
                        arrived_and_sent += 1;
                        missing.refused_and_arrived += u64::from(is_refused);
                    }
                    (false, true) => {}
                    (false, false) => {
                        missing.all += 1;
                        missing.outside_kills += u64::from(!around_a_kill(evidence, sent, number));
                    }
                }
            }
            missing.never_sent += arrived.len() - arrived_and_sent;
        }
        missing
    }
}

fn around_a_kill(evidence: &Evidence, sent: &Sent, number: u64) -> bool {
    let kills = || evidence.nodes_killed.iter().chain(&evidence.collectors_killed);
    sent.when(number)
        .is_some_and(|moment| kills().any(|window| window.contains(&moment)))
}

/// All reasons together.
#[must_use]
pub fn sum(reasons: &Reasons) -> u64 {
    reasons.values().sum()
}

#[cfg(test)]
mod tests;
