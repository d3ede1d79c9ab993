//! Assignment, state files and recovery against a plain model: containers come and go, the agent restarts, knows of fewer or
//! more containers than before, finds state files damaged and ports taken, in all modes of ports.
//!
//! The core is the real one, with its sockets and files; after each step its answers, its files, and before each end what is
//! heard from whom, must be the model's.
#![expect(clippy::unwrap_used, reason = "a test")]

mod model;
mod node;

use model::{Expected, Mode, Model};
use node::Node;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::UdpSocket;

/// Containers are numbers below this; there are fewer ports.
const CONTAINERS: usize = 6;
const PORTS: [u16; 4] = [20_000, 20_001, 20_002, 20_003];

#[derive(Clone, Debug)]
enum Step {
    Register(usize),
    Unregister(usize),
    /// Another program takes one of [`PORTS`], unless it is in use.
    Take(usize),
    /// Other programs give up all they have.
    GiveUp,
    Restart {
        alive: BTreeSet<usize>,
        damaged: BTreeMap<usize, Damage>,
        /// Whose ports other programs take meanwhile.
        taken: BTreeSet<usize>,
    },
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    Deleted,
    Empty,
    HalfWritten,
    OtherKind,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let containers = || proptest::collection::btree_set(0..CONTAINERS, 0..=CONTAINERS);
    let damage = prop_oneof![
        Just(Damage::Deleted),
        Just(Damage::Empty),
        Just(Damage::HalfWritten),
        Just(Damage::OtherKind)
    ];
    let damaged = proptest::collection::btree_map(0..CONTAINERS, damage, 0..3);
    let taken = proptest::collection::btree_set(0..CONTAINERS, 0..2);
    let step = prop_oneof![
        6 => (0..CONTAINERS).prop_map(Step::Register),
        3 => (0..CONTAINERS).prop_map(Step::Unregister),
        1 => (0..PORTS.len()).prop_map(Step::Take),
        1 => Just(Step::GiveUp),
        2 => (containers(), damaged, taken)
            .prop_map(|(alive, damaged, taken)| Step::Restart { alive, damaged, taken }),
    ];
    proptest::collection::vec(step, 1..40)
}

/// Real and model, side by side.
struct Pair {
    node: Node,
    model: Model,
    /// The sockets of other programs.
    others: Vec<UdpSocket>,
    unreadable: usize,
}

impl Pair {
    fn step(&mut self, step: Step) {
        match step {
            Step::Register(container) => self.register(container),
            Step::Unregister(container) => {
                let known = self.node.unregister(container);
                assert_eq!(known, self.model.unregister(container));
            }
            Step::Take(port) => self.take(PORTS[port]),
            Step::GiveUp => {
                self.others.clear();
                self.model.others.clear();
            }
            Step::Restart {
                alive,
                damaged,
                taken,
            } => self.restart(&alive, damaged, &taken),
        }
        assert_eq!(self.node.files(), self.model.files.keys().copied().collect());
        assert_eq!(self.node.unreadable(), self.unreadable);
    }

    fn register(&mut self, container: usize) {
        let expected = self.model.register(container);
        let port = self.node.register(container);
        match expected {
            Expected::Port(expected) => assert_eq!(port, Some(expected)),
            Expected::None => assert_eq!(port, None),
            Expected::AnyFree => {
                let port = port.unwrap();
                assert!(!self.model.others.contains(&port));
                assert!(self.model.heard.values().all(|&used| used != port));
                self.model.registered(container, port);
            }
        }
    }

    fn take(&mut self, port: u16) {
        if let Ok(socket) = UdpSocket::bind((self.node.ip, port)) {
            self.others.push(socket);
            self.model.others.insert(port);
        }
    }

    fn restart(
        &mut self,
        alive: &BTreeSet<usize>,
        damaged: BTreeMap<usize, Damage>,
        taken: &BTreeSet<usize>,
    ) {
        self.is_heard();
        self.node.stop();
        self.model.stop();
        for container in taken {
            if let Some(&port) = self.model.files.get(container) {
                self.take(port);
            }
        }
        for (container, damage) in damaged {
            if self.model.files.remove(&container).is_some() {
                self.unreadable += usize::from(!matches!(damage, Damage::Deleted));
                self.node.damage(container, damage);
            }
        }
        self.node.start();
        let expected = self.model.recover(alive);
        let recovery = self.node.recover(alive);
        assert_eq!(
            (
                recovery.recovered,
                recovery.lost,
                recovery.blind,
                recovery.cleared
            ),
            (
                expected.recovered,
                expected.lost,
                expected.blind.len(),
                expected.cleared
            )
        );
        for container in expected.blind {
            match self.model.register(container) {
                // The file tells which it got.
                Expected::AnyFree => {
                    let port = self.node.file_port(container).unwrap();
                    self.model.registered(container, port);
                }
                Expected::Port(port) => assert_eq!(self.node.file_port(container), Some(port)),
                Expected::None => assert_eq!(self.node.file_port(container), None),
            }
        }
    }

    /// Every container that should be is heard as itself, and nobody else.
    fn is_heard(&self) {
        let heard = &self.model.heard;
        let mut expected: Vec<String> = heard
            .iter()
            .map(|(container, &port)| {
                let is_alone = heard.values().filter(|&&other| other == port).count() == 1;
                let tags = if is_alone {
                    node::tags(*container)
                } else {
                    "unknown_container".to_owned()
                };
                format!("c{container}:1|c|#{tags}")
            })
            .collect();
        expected.sort();
        assert_eq!(self.node.said(heard), expected);
    }
}

fn check(mode: Mode, steps: Vec<Step>) {
    let mut pair = Pair {
        node: Node::new(mode, &PORTS),
        model: Model::new(mode, PORTS.to_vec()),
        others: Vec::new(),
        unreadable: 0,
    };
    for step in steps {
        pair.step(step);
    }
    pair.is_heard();
    pair.node.stop();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ephemeral_ports(steps in steps()) {
        check(Mode::Ephemeral, steps);
    }

    #[test]
    fn ports_of_a_range(steps in steps()) {
        check(Mode::Range, steps);
    }

    #[test]
    fn a_single_port(steps in steps()) {
        check(Mode::Single, steps);
    }
}
