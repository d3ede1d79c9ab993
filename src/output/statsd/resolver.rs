//! Looks up the destination's name on a thread of its own, for a lookup may take as long as it likes.

use mio::Waker;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;

/// Answers of one host's lookups.
pub(crate) struct Resolver {
    ask: Sender<()>,
    answers: Receiver<io::Result<Vec<SocketAddr>>>,
}

impl Resolver {
    /// Starts the thread; it ends when the resolver is dropped, or after the lookup it is then in.
    pub(crate) fn start(host: &str, port: u16, waker: Arc<Waker>) -> io::Result<Self> {
        let (ask, asked) = channel();
        let (answer, answers) = channel();
        let host = host.to_owned();
        thread::Builder::new()
            .name("stats-resolver".to_owned())
            .spawn(move || {
                while asked.recv().is_ok() {
                    let result = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
                    if answer.send(result).is_err() || waker.wake().is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self { ask, answers })
    }

    /// Asks for one lookup. The answer comes with a wake-up of the loop.
    pub(crate) fn ask(&self) {
        // It fails only if the thread is gone, which then shows as an answer that never comes.
        let _ = self.ask.send(());
    }

    /// The answer, if there is one.
    pub(crate) fn answer(&self) -> Option<io::Result<Vec<SocketAddr>>> {
        match self.answers.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(io::Error::other("the resolver thread ended"))),
        }
    }
}
