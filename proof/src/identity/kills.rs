//! The sums of collectors that were killed, from what they had noted.
//!
//! What such a collector held is counted by the one after it. That count may be greater than what was lost, in two ways, and
//! both are known: datapoints that were noted and not acknowledged came once more, and some had been passed on and not noted.

use super::{Evidence, Identity, Totals};

/// How many datapoints the output `stdout` can have printed and not noted when it is killed: a batch, which is what one read of
/// 32 KiB brought, and a datapoint takes 16 bytes at least.
const PRINTED_AND_NOT_NOTED: u64 = (32 << 10) / 16;

impl Identity {
    /// What killed collectors held is missing, but for what is known to have come otherwise.
    pub(super) fn add_killed_collectors(&mut self, evidence: &Evidence, totals: &Totals) {
        if evidence.collectors_killed.is_empty() || !evidence.nodes_killed.is_empty() {
            return;
        }
        let noted = || evidence.noted_when_killed.iter();
        let received: u64 = noted().map(|noted| noted.received).sum();
        let done: u64 = noted().map(|noted| noted.done).sum();
        let held = evidence.held_when_killed;
        let what = "held by killed collectors = noted as received, not as passed on";
        self.equal(what, held, received.saturating_sub(done));

        let output = &evidence.node.collector_output;
        let forwarded = output.datapoints_forwarded;
        let received = received + totals.received;
        let most = forwarded + output.datapoints_sent_again + totals.dropped_by_module;
        let what = "datapoints all collectors received";
        self.add(what, received, forwarded..=most);

        let written: u64 = evidence.sinks().map(|sink| sink.datapoints_written).sum();
        let passed_on = done + written;
        let kills = evidence.collectors_killed.len() as u64;
        // Of a message that Kafka has, the collector knows when Kafka has said so.
        let most = match evidence.sink {
            "stdout" => passed_on + kills * PRINTED_AND_NOT_NOTED,
            _ => u64::MAX,
        };
        let arrived = evidence.arrived.copies;
        let what = "datapoints that arrived, of those noted as passed on or written";
        if !evidence.consumed_again {
            self.add(what, arrived, passed_on..=most);
        }

        let most = totals.dropped() + held;
        let otherwise = received.saturating_sub(forwarded) + arrived.saturating_sub(passed_on);
        let what =
            "numbers missing = dropped + held by a killed collector, but for those that came otherwise";
        self.add(what, totals.missing.all, most.saturating_sub(otherwise)..=most);
    }
}
