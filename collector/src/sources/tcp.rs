//! Avro streams over TCP: takes connections and serves each in a task of its own.

use super::acknowledge::Acknowledge;
use super::connection::{Connection, told_to_stop};
use super::throttle::Throttle;
use super::unfinished::{Budget, Unfinished};
use crate::Batch;
use crate::books::Books;
use crate::options::Options;
use crate::telemetry::Input;
use log::{error, info, warn};
use rustix::net::sockopt;
use stats_schema::StreamDecoder;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};

/// What all connections together, or one of them, may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at a time.
    pub connections: usize,
    /// Size of one block, as received and decompressed, in bytes.
    pub block_bytes: usize,
    /// Memory for unfinished blocks of all connections together, in bytes.
    pub unfinished_bytes: usize,
    /// What one connection may send in a period, in bytes; 0 for no limit.
    pub period_bytes: u64,
    /// That period.
    pub period: Duration,
    /// Whether every record is logged.
    pub log_records: bool,
    /// Whether the bytes of every read are logged.
    pub log_bytes: bool,
}

/// A listening socket and what its connections share.
pub(crate) struct TcpSource {
    pub(crate) listener: TcpListener,
    pub(crate) limits: Limits,
    pub(crate) batches: mpsc::Sender<Vec<Batch>>,
    pub(crate) stop: watch::Receiver<Option<Instant>>,
    pub(crate) input: Arc<Input>,
    pub(crate) books: Option<Arc<Books>>,
}

impl Default for Limits {
    /// Those of the options' defaults.
    fn default() -> Self {
        Self {
            connections: 4096,
            block_bytes: 4 << 20,
            unfinished_bytes: 64 << 20,
            period_bytes: 0,
            period: Duration::from_secs(60),
            log_records: false,
            log_bytes: false,
        }
    }
}

impl From<&Options> for Limits {
    fn from(options: &Options) -> Self {
        Self {
            connections: options.max_connections.get(),
            block_bytes: options.max_block_kbytes as usize * 1024,
            unfinished_bytes: options.max_unfinished_kbytes as usize * 1024,
            period_bytes: u64::from(options.input_limit_amount_kbytes) * 1024,
            period: Duration::from_secs(options.input_limit_period.into()),
            log_records: options.record_input_log,
            log_bytes: options.record_input_hexdump,
        }
    }
}

impl TcpSource {
    /// Serves connections until told to stop; then those that were made before, until they have nothing more to say.
    pub(crate) async fn run(self) {
        let Self {
            listener,
            limits,
            batches,
            mut stop,
            input,
            books,
        } = self;
        let mut connections = Connections {
            tasks: JoinSet::new(),
            budget: Budget::new(limits.unfinished_bytes),
            refusals: Refusals::default(),
            limits,
            batches,
            stop: stop.clone(),
            input,
            books,
        };
        loop {
            tokio::select! {
                biased;
                () = told_to_stop(&mut stop) => break,
                Some(ended) = connections.tasks.join_next() => connections.ended(ended),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => connections.admit(stream, peer),
                    Err(error) => {
                        connections.accept_failed(&error);
                        // The same error follows at once, until a descriptor is free.
                        sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        match waiting(listener) {
            Ok(waiting) => waiting
                .into_iter()
                .for_each(|(stream, peer)| connections.admit(stream, peer)),
            Err(error) => connections.accept_failed(&error),
        }
        while let Some(ended) = connections.tasks.join_next().await {
            connections.ended(ended);
        }
    }
}

/// The open connections and what each new one is given.
struct Connections {
    tasks: JoinSet<()>,
    budget: Arc<Budget>,
    refusals: Refusals,
    limits: Limits,
    batches: mpsc::Sender<Vec<Batch>>,
    stop: watch::Receiver<Option<Instant>>,
    input: Arc<Input>,
    books: Option<Arc<Books>>,
}

impl Connections {
    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        if self.tasks.len() >= self.limits.connections {
            self.input.connections_refused.add(1);
            self.refusals.log(peer, self.limits.connections);
            return;
        }
        if let Err(error) = keep_alive(&stream) {
            warn!("{peer}: connection is served without keep-alive probes: {error}");
        }
        self.input.connections_opened.add(1);
        info!("{peer}: connection opened, {} are open now", self.tasks.len() + 1);
        let decoder = StreamDecoder::new(stats_schema::Limits {
            block_bytes: self.limits.block_bytes,
            ..stats_schema::Limits::default()
        });
        let connection = Connection {
            stream,
            peer,
            decoder,
            unfinished: Unfinished::new(Arc::clone(&self.budget)),
            acknowledge: Acknowledge::default(),
            throttle: Throttle::new(self.limits.period_bytes, self.limits.period),
            log_records: self.limits.log_records,
            log_bytes: self.limits.log_bytes,
            batches: self.batches.clone(),
            stop: self.stop.clone(),
            input: Arc::clone(&self.input),
            books: self.books.clone(),
        };
        self.tasks.spawn(connection.run());
    }

    fn ended(&self, result: Result<(), JoinError>) {
        if let Err(error) = result {
            self.input.connections_closed.add(1);
            self.input.failed_panic.add(1);
            error!("A connection was closed by a bug in the collector, please report it: {error}");
        }
    }

    fn accept_failed(&self, error: &io::Error) {
        self.input.accept_failures.add(1);
        warn!(
            "A waiting connection could not be accepted, {} are open: {error}",
            self.tasks.len()
        );
    }
}

/// Refused connections are logged once a second: a peer that is refused may well try again without pause.
#[derive(Default)]
struct Refusals {
    logged: Option<Instant>,
    unlogged: u64,
}

impl Refusals {
    fn log(&mut self, peer: SocketAddr, limit: usize) {
        let now = Instant::now();
        if self
            .logged
            .is_some_and(|logged| now - logged < Duration::from_secs(1))
        {
            self.unlogged += 1;
            return;
        }
        let more = match self.unlogged {
            0 => String::new(),
            more => format!(", after {more} others"),
        };
        warn!("{peer}: connection refused{more}: {limit} are open, which is what --max-connections allows");
        *self = Self {
            logged: Some(now),
            unlogged: 0,
        };
    }
}

/// Finds out about a peer that is gone without a word: after a minute of silence it is asked, after two it is given up.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, Duration::from_secs(60))?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(10))?;
    sockopt::set_tcp_keepcnt(stream, 6)?;
    Ok(())
}

/// The connections that peers have made and that are not accepted yet. None is made after this.
fn waiting(listener: TcpListener) -> io::Result<Vec<(TcpStream, SocketAddr)>> {
    let listener = listener.into_std()?;
    let mut waiting = Vec::new();
    loop {
        match listener.accept() {
            Ok((stream, peer)) => {
                stream.set_nonblocking(true)?;
                waiting.push((TcpStream::from_std(stream)?, peer));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(waiting),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_options() {
        let options = Options::read(["program".into()], |_| None).unwrap();
        assert_eq!(Limits::from(&options), Limits::default());
    }
}
