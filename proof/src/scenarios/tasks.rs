//! Faults of the tasks themselves.

use super::{Outcome, Scale, finish, with_kafka};
use crate::Failure;
use crate::clock::pause;
use crate::generator::LINES;
use crate::path::Path;

/// What one container may send in a period, in kilobytes, and that period.
const LIMIT_KBYTES: u32 = 100;
const PERIOD_SECONDS: u32 = 5;

/// About what a datagram has.
const DATAGRAM_BYTES: u32 = 50;

pub(super) fn flood(scale: Scale) -> Result<Outcome, Failure> {
    let (mut plan, _broker) = with_kafka(scale);
    for (key, value) in [
        ("container_limit_amount_kbytes", LIMIT_KBYTES),
        ("container_limit_period_secs", PERIOD_SECONDS),
    ] {
        plan.parameters.push((key.to_owned(), value.to_string()));
    }
    let limit = LIMIT_KBYTES * 1024 / PERIOD_SECONDS / DATAGRAM_BYTES;
    plan.flood = 10 * limit / plan.datagrams_per_second;
    let path = Path::start(plan)?;
    path.wait_for_arrivals()?;
    pause(scale.seconds(7, 30))?;
    finish(path, |identity, evidence| {
        let missing = |index: usize| {
            let arrived = evidence.arrived.numbers[index].len();
            evidence.sent[index].numbers() - arrived
        };
        let throttled = evidence.node.datagrams_throttled;
        identity.add("datagrams throttled", throttled, 1..=u64::MAX);
        if evidence.node.kernel_drops == 0 {
            let what = "numbers of the flooding container missing = throttled";
            identity.equal(what, missing(0), LINES * throttled);
        }
        let others = (1..evidence.sent.len()).map(missing).sum();
        identity.equal("numbers of all other containers missing", others, 0);
    })
}
