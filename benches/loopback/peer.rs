//! The process at both ends of the measured one: it sends what tasks would, and is where the outputs lead.

use crate::companion::{answer, obey};
use crate::sys;
use crate::traffic::Datagrams;
use stats_slave::endpoint::socket;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

/// The name of this process in the first argument.
pub(crate) const NAME: &str = "peer";

/// The CPU of senders and receivers.
const CPU: usize = 1;

/// Answers with the ports for StatsD and for Avro, and then sends what it is ordered to.
pub(crate) fn run() -> io::Result<()> {
    sys::pin(CPU)?;
    sys::prefer();
    // Nobody reads it and its buffer is full after a few datagrams: a receiver cannot cost less.
    let statsd = socket::bind(Ipv4Addr::LOCALHOST.into(), 0, 4096)?;
    let collector = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    answer(&[
        statsd.local_addr()?.port().into(),
        collector.local_addr()?.port().into(),
    ]);
    thread::spawn(move || {
        for mut stream in collector.incoming().flatten() {
            thread::spawn(move || {
                let mut bytes = vec![0; 256 << 10];
                while stream.read(&mut bytes).is_ok_and(|count| count > 0) {}
            });
        }
    });
    obey(|order| {
        let numbers: Vec<u64> = order.iter().filter_map(|word| word.parse().ok()).collect();
        let [rate, lines, burst, millis, ports @ ..] = &numbers[..] else {
            return Err(io::Error::other(format!("no order to send: {order:?}")));
        };
        let endpoints: Vec<_> = ports
            .iter()
            .filter_map(|&port| Some((Ipv4Addr::LOCALHOST, u16::try_from(port).ok()?).into()))
            .collect();
        let count = |number: u64| usize::try_from(number).map_err(io::Error::other);
        answer(&send(
            *rate,
            count(*lines)?,
            count(*burst)?,
            Duration::from_millis(*millis),
            &endpoints,
        )?);
        Ok(())
    })
}

/// Sends to all endpoints in turn, a burst each; how many datagrams, and in how many microseconds.
fn send(
    rate: u64,
    lines: usize,
    burst: usize,
    duration: Duration,
    endpoints: &[SocketAddr],
) -> io::Result<[u64; 2]> {
    let datagrams = Datagrams::new(lines);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let segment = u16::try_from(datagrams.length).map_err(io::Error::other)?;
    sys::set_segment_size(&socket, segment)?;
    let per_second = u128::from(rate);
    let total = u64::try_from(duration.as_micros() * per_second / 1_000_000).map_err(io::Error::other)?;
    let (mut sent, mut next_datagram, mut next_endpoint) = (0, 0, 0);
    let start = Instant::now();
    while sent < total {
        let due = start.elapsed().as_micros() * per_second / 1_000_000;
        while u128::from(sent) < due && sent < total {
            let bytes = datagrams.take(&mut next_datagram, burst);
            socket.send_to(bytes, endpoints[next_endpoint])?;
            next_endpoint = (next_endpoint + 1) % endpoints.len();
            sent += burst as u64;
        }
        // The receivers of this process need the CPU as well.
        thread::yield_now();
    }
    let micros = u64::try_from(start.elapsed().as_micros()).map_err(io::Error::other)?;
    Ok([sent, micros])
}
