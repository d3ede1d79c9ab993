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
        noted_when_killed: Vec::new(),
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

/// Ten datagrams of one task, to a collector that was killed and to the one after it. Of the 6 numbers that the first held, 4
/// are lost, one it had printed and one the module sent again.
fn with_a_killed_collector() -> Evidence {
    let mut evidence = evidence();
    let start = evidence.sent[0].ticks[0].0;
    evidence.sent[0].refused = Numbers::default();
    evidence.arrived = Arrived {
        numbers: vec![numbers((0..18).chain(22..50))],
        copies: 46,
        stray: 0,
    };
    evidence.node = Accounting {
        datagrams_received: 10,
        lines_received: 50,
        collector_output: CollectorOutput {
            datapoints: 50,
            datapoints_forwarded: 50,
            datapoints_sent_again: 6,
            ..CollectorOutput::default()
        },
        ..Accounting::default()
    };
    evidence.noted_when_killed = vec![Noted {
        received: 24,
        done: 18,
    }];
    evidence.held_when_killed = 6;
    evidence.collectors_killed = vec![start..=start + Duration::from_secs(100)];
    evidence.collectors[0].datapoints_received = 27;
    let sink = evidence.collectors[0].sinks.get_mut("stdout").unwrap();
    sink.datapoints_written = 27;
    sink.datapoints_dropped.clear();
    evidence
}

#[test]
fn what_a_killed_collector_held_is_counted_neither_too_small_nor_too_great() {
    Identity::of(&with_a_killed_collector()).verify().unwrap();
    let changes: [(&str, Change); 6] = [
        ("more are lost", |evidence| {
            evidence.arrived.numbers[0] = numbers(24..50);
        }),
        ("too little is held", |evidence| evidence.held_when_killed = 3),
        ("too much is held", |evidence| evidence.held_when_killed = 7),
        ("too much is noted, and held", |evidence| {
            evidence.noted_when_killed[0].received += 10;
            evidence.held_when_killed += 10;
        }),
        ("too little is passed on, and too much held", |evidence| {
            evidence.arrived.copies += 3000;
            evidence.node.collector_output.datapoints_sent_again += 3000;
        }),
        ("the module drops what arrived", |evidence| {
            evidence.node.collector_output.datapoints_dropped = reasons("queue_full", 5);
            evidence.node.collector_output.datapoints += 5;
            evidence.node.lines_received += 5;
            evidence.node.datagrams_received += 1;
            evidence.sent[0].datagrams += 1;
            evidence.sent[0].refused = numbers(50..55);
        }),
    ];
    for (what, change) in changes {
        let mut evidence = with_a_killed_collector();
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
    let holds = |evidence: &Evidence, what: &str| {
        let checks = Identity::of(evidence).checks;
        let check = checks.iter().find(|check| check.what == what);
        check.unwrap().holds()
    };
    assert_eq!((Missing::of(&lost).all, Missing::of(&lost).outside_kills), (1, 0));
    assert!(holds(&lost, AROUND_KILLS) && holds(&lost, BESIDES_KILLS));
    lost.node.kernel_drops = 1;
    assert!(!holds(&lost, BESIDES_KILLS), "more is dropped than is missing");
    lost.node.kernel_drops = 0;
    lost.nodes_killed = vec![moment + tick..=moment + 2 * tick];
    assert_eq!((Missing::of(&lost).all, Missing::of(&lost).outside_kills), (1, 1));
    assert!(!holds(&lost, AROUND_KILLS));
}
