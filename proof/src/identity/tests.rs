//! Sums that agree, and sums that do not.

use super::*;
use crate::books::CollectorOutput;
use std::time::Duration;

fn reasons(reason: &str, count: u64) -> Reasons {
    Reasons::from([(reason.to_owned(), count)])
}

fn numbers(numbers: impl IntoIterator<Item = u64>) -> Numbers {
    let mut set = Numbers::default();
    for number in numbers {
        set.insert(number);
    }
    set
}

/// Ten datagrams of one task. The kernel refused one and had no room for one, the module dropped 3 numbers and sent 4 again,
/// the collector dropped 2 of those and 1 other; the rest arrived, 2 of them twice.
fn evidence() -> Evidence {
    let (start, second) = (Instant::now(), Duration::from_secs(1));
    Evidence {
        sent: vec![Sent {
            datagrams: 10,
            refused: numbers(0..5),
            ticks: (0..10).map(|tick| (start + second * tick, tick.into())).collect(),
        }],
        arrived: Arrived {
            numbers: vec![numbers(14..50)],
            copies: 38,
            stray: 0,
        },
        node: Accounting {
            datagrams_received: 8,
            kernel_drops: 1,
            lines_received: 40,
            collector_output: CollectorOutput {
                datapoints: 40,
                datapoints_forwarded: 37,
                datapoints_sent_again: 4,
                datapoints_dropped: reasons("queue_full", 3),
                ..CollectorOutput::default()
            },
            ..Accounting::default()
        },
        collectors: vec![Balance {
            datapoints_received: 41,
            sinks: [(
                "stdout".to_owned(),
                Sink {
                    datapoints_written: 38,
                    datapoints_dropped: reasons("queue_full", 3),
                },
            )]
            .into(),
            ..Balance::default()
        }],
        sink: "stdout",
        nodes_killed: Vec::new(),
        collectors_killed: Vec::new(),
        held_when_killed: 0,
        printers_killed: 0,
        consumed_again: false,
    }
}

#[test]
fn every_number_has_its_place() {
    let identity = Identity::of(&evidence());
    identity.verify().unwrap();
    assert_eq!(identity.fate("missing"), 9);
    assert_eq!(identity.fate("arrived once more"), 2);
}

fn add(evidence: &mut Evidence, number: u64) {
    evidence.arrived.numbers[0].insert(number);
}

type Change = fn(&mut Evidence);

#[test]
fn what_is_wrong_is_found() {
    let changes: [(&str, Change); 7] = [
        ("a number is lost", |evidence| {
            evidence.arrived.numbers[0] = numbers(17..50);
        }),
        ("a number was never sent", |evidence| add(evidence, 50)),
        ("a refused number arrived", |evidence| add(evidence, 0)),
        ("a stray datapoint", |evidence| evidence.arrived.stray = 1),
        ("a datagram is not counted", |evidence| {
            evidence.node.kernel_drops = 0;
        }),
        ("the collector has no place for one", |evidence| {
            evidence.collectors[0].datapoints_received += 1;
        }),
        ("more came than was written", |evidence| {
            evidence.arrived.copies += 1;
        }),
    ];
    for (what, change) in changes {
        let mut evidence = evidence();
        change(&mut evidence);
        assert!(Identity::of(&evidence).verify().is_err(), "{what}");
    }
}

#[test]
fn a_kill_explains_what_was_sent_around_it_and_nothing_else() {
    let mut lost = evidence();
    lost.arrived.numbers[0] = numbers((5..50).filter(|number| *number != 31));
    lost.arrived.copies = 44;
    lost.node = Accounting::default();
    lost.collectors.clear();
    let moment = lost.sent[0].when(31).unwrap();
    let tick = Duration::from_millis(1);
    lost.nodes_killed = vec![moment - tick..=moment + tick];
    let holds = |evidence: &Evidence| {
        let checks = Identity::of(evidence).checks;
        let check = checks.iter().find(|check| check.what.starts_with(AROUND_KILLS));
        check.unwrap().holds()
    };
    assert_eq!((Missing::of(&lost).all, Missing::of(&lost).outside_kills), (1, 0));
    assert!(holds(&lost));
    lost.nodes_killed = vec![moment + tick..=moment + 2 * tick];
    assert_eq!((Missing::of(&lost).all, Missing::of(&lost).outside_kills), (1, 1));
    assert!(!holds(&lost));
}
