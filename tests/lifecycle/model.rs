//! What assignment, state files and recovery should do, in the plainest way: lists and maps, no socket and no file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    Ephemeral,
    Range,
    Single,
}

/// What should come of a registration.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Expected {
    Port(u16),
    /// One that neither containers nor others have.
    AnyFree,
    None,
}

/// What a recovery should report.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Recovered {
    pub(crate) recovered: usize,
    pub(crate) lost: usize,
    pub(crate) blind: Vec<usize>,
    pub(crate) cleared: usize,
}

/// Containers are numbers.
pub(crate) struct Model {
    mode: Mode,
    ports: Vec<u16>,
    /// Those of the range that no container has, in the order they are tried.
    free: VecDeque<u16>,
    /// Whether the shared endpoint is open.
    shared: bool,
    /// Ports that other programs hold.
    pub(crate) others: BTreeSet<u16>,
    /// The containers that are heard.
    pub(crate) heard: BTreeMap<usize, u16>,
    /// The containers with a state file, and the port it names.
    pub(crate) files: BTreeMap<usize, u16>,
}

impl Model {
    /// `ports` are those of the range; the first one is that of the mode `single`.
    pub(crate) fn new(mode: Mode, ports: Vec<u16>) -> Self {
        Self {
            mode,
            free: ports.iter().copied().collect(),
            ports,
            shared: false,
            others: BTreeSet::new(),
            heard: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }

    pub(crate) fn register(&mut self, container: usize) -> Expected {
        if let Some(port) = self.heard.get(&container) {
            return Expected::Port(*port);
        }
        let port = match self.mode {
            Mode::Ephemeral => return Expected::AnyFree,
            Mode::Single => self.share(),
            Mode::Range => self.first_free(),
        };
        port.map_or(Expected::None, |port| {
            self.registered(container, port);
            Expected::Port(port)
        })
    }

    /// The port a container got.
    pub(crate) fn registered(&mut self, container: usize, port: u16) {
        self.heard.insert(container, port);
        self.files.insert(container, port);
    }

    /// Whether the container was heard.
    pub(crate) fn unregister(&mut self, container: usize) -> bool {
        self.files.remove(&container);
        let port = self.heard.remove(&container);
        if self.mode == Mode::Range {
            self.free.extend(port);
        }
        port.is_some()
    }

    pub(crate) fn stop(&mut self) {
        self.heard.clear();
        self.free = self.ports.iter().copied().collect();
        self.shared = false;
    }

    /// Recovery up to the blind registrations, whose ports are asked for one by one.
    pub(crate) fn recover(&mut self, alive: &BTreeSet<usize>) -> Recovered {
        let mut result = Recovered::default();
        for &container in alive {
            match self.files.get(&container).copied() {
                None => result.blind.push(container),
                Some(port) if self.reclaim(container, port) => result.recovered += 1,
                Some(_) => result.lost += 1,
            }
        }
        let before = self.files.len();
        self.files.retain(|container, _| alive.contains(container));
        result.cleared = before - self.files.len();
        result
    }

    fn reclaim(&mut self, container: usize, port: u16) -> bool {
        let had = match self.mode {
            Mode::Single => self.share(),
            Mode::Ephemeral => (!self.others.contains(&port)).then_some(port),
            Mode::Range => {
                self.free.retain(|&free| free != port);
                if self.others.contains(&port) {
                    self.free.push_back(port);
                    None
                } else {
                    Some(port)
                }
            }
        };
        self.heard.extend(had.map(|port| (container, port)));
        had.is_some()
    }

    fn share(&mut self) -> Option<u16> {
        self.shared = self.shared || !self.others.contains(&self.ports[0]);
        self.shared.then_some(self.ports[0])
    }

    /// Ports that others hold go to the end of the line.
    fn first_free(&mut self) -> Option<u16> {
        for _ in 0..self.free.len() {
            let port = self.free.pop_front()?;
            if !self.others.contains(&port) {
                return Some(port);
            }
            self.free.push_back(port);
        }
        None
    }
}
