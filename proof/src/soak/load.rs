//! Tasks of containers that come and go.

use crate::Failure;
use crate::arrivals::container_id;
use crate::node::Node;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// Lines in every datagram.
const LINES: usize = 20;

/// Metrics of each container, all kinds together.
const NAMES: usize = 60;

const TICK: Duration = Duration::from_millis(10);

/// How much there is of everything.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Containers at any moment.
    pub containers: u16,
    /// Of which so many are replaced in a second.
    pub churn: u16,
    /// Lines that all of them send in a second.
    pub lines: u32,
}

/// As many containers as asked for at any moment, sending as many lines as asked for.
#[derive(Debug)]
pub struct Load {
    slots: Vec<(String, UdpSocket)>,
    datagrams: Vec<String>,
    size: Size,
    /// Containers that there have been.
    pub containers: usize,
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams that the kernel did not take.
    pub refused: u64,
    start: Instant,
}

impl Load {
    /// Registers so many containers.
    ///
    /// # Errors
    ///
    /// When the node cannot.
    pub fn new(node: &mut Node, size: Size) -> Result<Self, Failure> {
        let mut load = Self {
            slots: Vec::new(),
            datagrams: datagrams(),
            size,
            containers: 0,
            sent: 0,
            refused: 0,
            start: Instant::now(),
        };
        for _ in 0..size.containers {
            let slot = load.register(node)?;
            load.slots.push(slot);
        }
        load.start = Instant::now();
        Ok(load)
    }

    /// Sends what is due, and replaces containers, for so long.
    ///
    /// # Errors
    ///
    /// When the node cannot replace one.
    pub fn run(&mut self, node: &mut Node, time: Duration) -> Result<(), Failure> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let now = Instant::now();
            let seconds = (now - self.start).as_secs_f64();
            while (self.lines() as f64) < seconds * f64::from(self.size.lines) {
                self.send();
            }
            while (self.replaced() as f64) < seconds * f64::from(self.size.churn) {
                self.replace(node)?;
            }
            std::thread::sleep(TICK.saturating_sub(now.elapsed()));
        }
        Ok(())
    }

    /// Lines sent.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.sent * LINES as u64
    }

    /// Containers that have been replaced.
    #[must_use]
    pub fn replaced(&self) -> usize {
        self.containers - self.slots.len()
    }

    fn replace(&mut self, node: &mut Node) -> Result<(), Failure> {
        let slot = self.containers % self.slots.len();
        let new = self.register(node)?;
        let (old, _) = std::mem::replace(&mut self.slots[slot], new);
        node.unregister(&old)
    }

    fn register(&mut self, node: &mut Node) -> Result<(String, UdpSocket), Failure> {
        let id = container_id(self.containers);
        self.containers += 1;
        let endpoint = node.register(&id)?;
        let socket = UdpSocket::bind("127.0.0.1:0")
            .and_then(|socket| socket.connect(endpoint).map(|()| socket))
            .map_err(|error| format!("a task's socket to {endpoint}: {error}"))?;
        Ok((id, socket))
    }

    #[expect(clippy::cast_possible_truncation, reason = "less than the number of slots")]
    fn send(&mut self) {
        // Each container in turn sends each of the datagrams in turn.
        let slots = self.slots.len() as u64;
        let (slot, turn) = ((self.sent % slots) as usize, self.sent / slots);
        let datagram = (turn % self.datagrams.len() as u64) as usize;
        let sent = self.slots[slot].1.send(self.datagrams[datagram].as_bytes());
        self.refused += u64::from(sent.is_err());
        self.sent += 1;
    }
}

/// What a container sends: counters, gauges, timers and sets, a third of them with tags of their own.
fn datagrams() -> Vec<String> {
    let lines: Vec<_> = (0..NAMES)
        .map(|number| {
            let (value, kind) = [("1", "c"), ("42.5", "g"), ("17.25", "ms"), ("user17", "s")][number % 4];
            let tags = if number % 3 == 0 { "|#path:/index" } else { "" };
            format!("web.requests.{number}:{value}|{kind}{tags}\n")
        })
        .collect();
    lines.chunks(LINES).map(<[String]>::concat).collect()
}
