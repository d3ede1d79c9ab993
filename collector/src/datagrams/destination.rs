//! Where datagrams go. A name is looked up again and again on a thread of its own, for a lookup may take as long as it
//! likes; while it fails, the last address that was found stays in use.

use log::{error, info, warn};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// How long an answer of the name service counts as fresh.
const REFRESH: Duration = Duration::from_secs(60);

/// Before the first success names are looked up more often, because all is dropped until then.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// How long the first datagram waits for the first answer; names seldom take longer, and what follows is queued.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

type Answer = io::Result<Vec<SocketAddr>>;

/// A connected socket, once the address is known. UDP has no acknowledgements: what the network or the receiver loses
/// is lost. Only a receiver that is not there, on a host that says so, is noticed.
#[derive(Debug)]
pub(crate) struct Destination {
    host: String,
    port: u16,
    /// None for an IP address, which needs no lookup.
    lookups: Option<Lookups>,
    answered: bool,
    socket: Option<(SocketAddr, UdpSocket)>,
    /// Why there is no fresh address, as it was logged.
    failure: Option<String>,
}

#[derive(Debug)]
struct Lookups {
    answers: Receiver<Answer>,
    /// Dropped with this, which ends the thread, at the latest after the lookup it is in.
    _running: Sender<()>,
}

impl Destination {
    /// Begins to look up `host` if it is a name.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread, or a socket for an IP address.
    pub(crate) fn new(host: &str, port: u16) -> io::Result<Self> {
        let mut destination = Self {
            host: host.to_owned(),
            port,
            lookups: None,
            answered: false,
            socket: None,
            failure: None,
        };
        if let Ok(ip) = host.parse::<IpAddr>() {
            let address = SocketAddr::new(ip, port);
            destination.socket = Some((address, connect(address)?));
        } else {
            let name = host.to_owned();
            destination.lookups = Some(Lookups::start(REFRESH, FIRST_RETRY, move || {
                Ok((name.as_str(), port).to_socket_addrs()?.collect())
            })?);
        }
        Ok(destination)
    }

    /// Sends one datagram. May wait, the first time for the address.
    ///
    /// # Errors
    ///
    /// When it was not sent, or when the receiver's host said that nobody takes this one or one shortly before it.
    /// Either way one datagram is lost for every error.
    pub(crate) fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.take_answers();
        let Some((_, socket)) = &self.socket else {
            let failure = self
                .failure
                .as_deref()
                .unwrap_or("the name service has not answered yet");
            return Err(io::Error::other(format!(
                "no address for {}: {failure}",
                self.host
            )));
        };
        if let Err(error) = socket.send(datagram) {
            if error.kind() == io::ErrorKind::ConnectionRefused {
                // The late answer to a datagram before: that one is lost, this one was not sent yet.
                socket.send(datagram)?;
            }
            return Err(error);
        }
        // On the same host, the answer is there at once.
        socket.take_error()?.map_or(Ok(()), Err)
    }

    fn take_answers(&mut self) {
        let Some(lookups) = &self.lookups else { return };
        let mut answer = lookups.answers.try_recv().ok();
        if answer.is_none() && !self.answered {
            self.answered = true;
            answer = lookups.answers.recv_timeout(FIRST_ANSWER).ok();
        }
        if let Some(answer) = answer {
            self.answered = true;
            let result = answer.and_then(|addresses| self.choose(&addresses));
            self.told(result);
        }
    }

    /// Keeps the address if it is still listed, otherwise takes the first that the system has a way to: series should not
    /// move between receivers for no reason.
    fn choose(&mut self, addresses: &[SocketAddr]) -> io::Result<()> {
        let current = self.socket.as_ref().map(|(address, _)| *address);
        if current.is_some_and(|current| addresses.contains(&current)) {
            return Ok(());
        }
        let mut result = Err(io::Error::other("the name has no addresses"));
        for address in addresses {
            match connect(*address) {
                Ok(socket) => {
                    info!("Sending datagrams for {}:{} to {address}", self.host, self.port);
                    self.socket = Some((*address, socket));
                    return Ok(());
                }
                Err(error) => result = Err(error),
            }
        }
        result
    }

    /// Logs what is new.
    fn told(&mut self, result: io::Result<()>) {
        let failure = result.err().map(|error| error.to_string());
        if failure == self.failure {
            return;
        }
        match (&failure, &self.socket) {
            (Some(failure), Some((address, _))) => {
                warn!(
                    "Cannot look up {}: {failure}; still sending to {address}",
                    self.host
                );
            }
            (Some(failure), None) => error!(
                "Cannot look up {}: {failure}; everything for it is dropped until that succeeds, trying every {} s",
                self.host,
                FIRST_RETRY.as_secs()
            ),
            (None, _) => info!("{} can be looked up again", self.host),
        }
        self.failure = failure;
    }
}

impl Lookups {
    fn start(
        refresh: Duration,
        first_retry: Duration,
        look_up: impl Fn() -> Answer + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, answers) = channel();
        let (running, ended) = channel();
        thread::Builder::new()
            .name("name-lookups".to_owned())
            .spawn(move || {
                let mut pause = first_retry.min(refresh);
                loop {
                    let answer = look_up();
                    if answer.is_ok() {
                        pause = refresh;
                    }
                    let nobody_listens = sender.send(answer).is_err();
                    if nobody_listens || ended.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                        break;
                    }
                }
            })?;
        Ok(Self {
            answers,
            _running: running,
        })
    }
}

fn connect(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = if address.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests;
