//! Tasks that send numbered lines, every number once, over UDP sockets that are connected, so that the kernel says when
//! nobody listens.

use crate::Failure;
use crate::arrivals::{Numbers, line};
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Lines in every datagram. Of a datagram that is lost nothing is known but that it was one.
pub const LINES: u64 = 5;

const TICK: Duration = Duration::from_millis(10);

/// One container's task.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Which container.
    pub container: usize,
    /// Where it sends.
    pub endpoint: SocketAddr,
    /// How many datagrams a second.
    pub datagrams_per_second: u32,
}

/// What one task has sent.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// Datagrams, those refused included; the numbers in them are those from 0 to `LINES` times as many.
    pub datagrams: u64,
    /// Numbers the kernel refused because nobody listened.
    pub refused: Numbers,
    /// How many datagrams had been sent before which moment.
    pub(crate) ticks: Vec<(Instant, u64)>,
}

impl Sent {
    /// How many numbers.
    #[must_use]
    pub fn numbers(&self) -> u64 {
        self.datagrams * LINES
    }

    /// When a number was sent, to the tick.
    #[must_use]
    pub fn when(&self, number: u64) -> Option<Instant> {
        let datagram = number / LINES;
        let tick = self.ticks.partition_point(|(_, before)| *before <= datagram);
        self.ticks.get(tick.checked_sub(1)?).map(|(moment, _)| *moment)
    }
}

/// All tasks, sending.
#[derive(Debug)]
pub struct Generator {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Sent>>,
}

impl Generator {
    /// Has all tasks begin.
    ///
    /// # Errors
    ///
    /// When the system refuses a socket.
    pub fn start(tasks: &[Task]) -> Result<Self, Failure> {
        let mut senders = tasks
            .iter()
            .map(Sender::new)
            .collect::<std::io::Result<Vec<_>>>()
            .map_err(|error| format!("cannot open a task's socket: {error}"))?;
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let start = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                let now = Instant::now();
                senders
                    .iter_mut()
                    .for_each(|sender| sender.send_due(now, now - start));
                std::thread::sleep(TICK.saturating_sub(now.elapsed()));
            }
            senders.into_iter().map(|sender| sender.sent).collect()
        });
        Ok(Self { stop, thread })
    }

    /// Has all tasks end; what each has sent.
    ///
    /// # Errors
    ///
    /// When sending panicked.
    pub fn stop(self) -> Result<Vec<Sent>, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .map_err(|_| "the generator panicked".to_owned())
    }
}

struct Sender {
    task: Task,
    socket: UdpSocket,
    sent: Sent,
    datagram: String,
}

impl Sender {
    fn new(task: &Task) -> std::io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(task.endpoint)?;
        Ok(Self {
            task: *task,
            socket,
            sent: Sent::default(),
            datagram: String::new(),
        })
    }

    fn send_due(&mut self, now: Instant, elapsed: Duration) {
        let due = elapsed.as_micros() * u128::from(self.task.datagrams_per_second) / 1_000_000;
        if u128::from(self.sent.datagrams) < due {
            self.sent.ticks.push((now, self.sent.datagrams));
        }
        while u128::from(self.sent.datagrams) < due {
            self.send();
        }
    }

    fn send(&mut self) {
        let first = self.sent.datagrams * LINES;
        self.datagram.clear();
        for number in first..first + LINES {
            self.datagram.push_str(&line(self.task.container, number));
            self.datagram.push('\n');
        }
        self.sent.datagrams += 1;
        loop {
            match self.socket.send(self.datagram.as_bytes()) {
                Ok(_) => break,
                // That of the datagram before came late, and only then is this one not on its way.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused && first > 0 => {
                    self.refused(first - LINES);
                }
                Err(_) => return self.refused(first),
            }
        }
        // On the loopback interface the answer that nobody listens is usually there at once.
        if let Ok(Some(_)) = self.socket.take_error() {
            self.refused(first);
        }
    }

    fn refused(&mut self, first: u64) {
        for number in first..first + LINES {
            self.sent.refused.insert(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_sent_once_or_refused() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let task = |container, endpoint| Task {
            container,
            endpoint,
            datagrams_per_second: 1000,
        };
        let tasks = [task(0, receiver.local_addr().unwrap()), task(1, nobody)];
        let before = Instant::now();
        let generator = Generator::start(&tasks).unwrap();
        let mut received = Vec::new();
        let mut buffer = [0; 512];
        while received.len() < 500 {
            let length = receiver.recv(&mut buffer).unwrap();
            received.extend(buffer[..length].split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
            received.retain(|line| !line.is_empty());
        }
        let sent = generator.stop().unwrap();
        receiver.set_nonblocking(true).unwrap();
        while let Ok(length) = receiver.recv(&mut buffer) {
            received.extend(buffer[..length].split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
            received.retain(|line| !line.is_empty());
        }
        let expected: Vec<_> = (0..sent[0].numbers())
            .map(|number| line(0, number).into_bytes())
            .collect();
        assert_eq!(received, expected);
        assert!(sent[0].refused.is_empty());
        // The answer to the last datagram may not be there yet.
        assert!(sent[1].refused.len() + LINES >= sent[1].numbers());
        assert!(sent[0].when(0).unwrap() >= before);
        assert!(sent[0].when(sent[0].numbers() - 1).unwrap() >= sent[0].when(0).unwrap());
    }
}
