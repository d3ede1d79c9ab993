//! Questions to name servers: one datagram there and one back, or TCP if the answer does not fit into one.

use hickory_proto::op::{Header, Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::BinDecodable;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// How long one server may take, so that the next has its turn.
const SERVER_WAIT: Duration = Duration::from_secs(2);

/// Room for a datagram. One without extensions has at most 512 bytes; more than this is cut off, and so malformed.
const DATAGRAM_BYTES: usize = 4096;

/// How many servers of `resolv.conf` are asked: as many as the C library asks.
const MOST_SERVERS: usize = 3;

/// The name servers that the text of a `resolv.conf` names.
pub(crate) fn servers(resolv_conf: &[u8]) -> Vec<SocketAddr> {
    // Like the C library: a line that cannot be read is none.
    let (config, _errors) = resolv_conf::Config::parse_with_errors(resolv_conf);
    let addresses = config.nameservers.iter().take(MOST_SERVERS);
    addresses
        .map(|address| SocketAddr::new(address.into(), 53))
        .collect()
}

/// Asks one server after the other until one has records of this type, of which there is at least one.
///
/// # Errors
///
/// What each server said instead.
pub(crate) fn lookup(
    servers: &[SocketAddr],
    name: &Name,
    record_type: RecordType,
    deadline: Instant,
) -> std::result::Result<Vec<RData>, String> {
    let mut reasons = Vec::new();
    for (asked, server) in servers.iter().enumerate() {
        match ask(*server, name, record_type, share(deadline, servers.len() - asked)) {
            Ok(records) => return Ok(records),
            Err(error) => reasons.push(format!("{server}: {}", describe(&error))),
        }
    }
    Err(format!("{record_type} {name}: {}", reasons.join("; ")))
}

/// The end of the first of `parts` equal parts of the time until `deadline`.
pub(crate) fn share(deadline: Instant, parts: usize) -> Instant {
    let now = Instant::now();
    let parts = u32::try_from(parts).unwrap_or(u32::MAX).max(1);
    now + deadline.saturating_duration_since(now) / parts
}

fn ask(server: SocketAddr, name: &Name, record_type: RecordType, deadline: Instant) -> Result<Vec<RData>> {
    let deadline = deadline.min(Instant::now() + SERVER_WAIT);
    // The id is random, so that others have to guess it.
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name.clone(), record_type));
    let bytes = question.to_vec().map_err(Error::other)?;
    let answer = match over_udp(server, &question, &bytes, deadline)? {
        Some(answer) => answer,
        None => over_tcp(server, &question, &bytes, deadline)?,
    };
    if answer.metadata.response_code != ResponseCode::NoError {
        return Err(Error::other(answer.metadata.response_code.to_string()));
    }
    let records = answer.answers.into_iter().map(|record| record.data);
    let records: Vec<_> = records.filter(|data| data.record_type() == record_type).collect();
    if records.is_empty() {
        return Err(Error::other("no such record"));
    }
    Ok(records)
}

/// The answer, or None if it has to be fetched over TCP.
fn over_udp(
    server: SocketAddr,
    question: &Message,
    bytes: &[u8],
    deadline: Instant,
) -> Result<Option<Message>> {
    let any: IpAddr = if server.is_ipv6() {
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        Ipv4Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    socket.send(bytes)?;
    let mut buffer = [0; DATAGRAM_BYTES];
    loop {
        socket.set_read_timeout(Some(left(deadline)?))?;
        let length = match socket.recv(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let datagram = &buffer[..length];
        // A sender's address can be forged. What does not fit the question is nobody's answer, and the right one may still come.
        let Ok(header) = Header::from_bytes(datagram) else {
            continue;
        };
        if header.metadata.id != question.metadata.id || header.metadata.message_type != MessageType::Response
        {
            continue;
        }
        if header.metadata.truncation {
            return Ok(None);
        }
        let answer = decode(datagram)?;
        if answer.queries == question.queries {
            return Ok(Some(answer));
        }
    }
}

fn over_tcp(server: SocketAddr, question: &Message, bytes: &[u8], deadline: Instant) -> Result<Message> {
    let mut stream = TcpStream::connect_timeout(&server, left(deadline)?)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    let length = u16::try_from(bytes.len()).map_err(Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), bytes].concat())?;
    let mut length = [0; 2];
    read_exact(&mut stream, &mut length, deadline)?;
    // At most 64 KiB.
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    read_exact(&mut stream, &mut answer, deadline)?;
    let answer = decode(&answer)?;
    if answer.metadata.id != question.metadata.id || answer.queries != question.queries {
        return Err(malformed("an answer to another question"));
    }
    Ok(answer)
}

/// Fills `buffer` before `deadline`, however slowly the bytes drip.
fn read_exact(stream: &mut TcpStream, mut buffer: &mut [u8], deadline: Instant) -> Result<()> {
    while !buffer.is_empty() {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => buffer = &mut buffer[read..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn decode(bytes: &[u8]) -> Result<Message> {
    Message::from_vec(bytes).map_err(|error| malformed(&error.to_string()))
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("malformed answer: {what}"))
}

/// The time left, which is not zero.
fn left(deadline: Instant) -> Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(ErrorKind::TimedOut.into())
    } else {
        Ok(left)
    }
}

fn describe(error: &Error) -> String {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer in time".to_owned(),
        ErrorKind::UnexpectedEof => "closed the connection in the middle of its answer".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_of_the_system() {
        for (text, expected) in [
            ("", &[][..]),
            ("search x\nnonsense y\nnameserver 192.0.2.1\n", &["192.0.2.1:53"]),
            (
                "nameserver 2001:db8::1\nnameserver what\nnameserver 192.0.2.1",
                &["[2001:db8::1]:53", "192.0.2.1:53"],
            ),
            (
                "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4",
                &["192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53"],
            ),
        ] {
            let servers: Vec<_> = servers(text.as_bytes()).iter().map(ToString::to_string).collect();
            assert_eq!(servers, expected, "{text}");
        }
    }

    #[test]
    fn the_next_server_is_asked_when_one_does_not_know() {
        let start = |name| crate::local::NameServer::start(&[format!("--host-record={name},127.0.0.7")]);
        let (Some(other), Some(knows)) = (start("other.mesos"), start("this.mesos")) else {
            return;
        };
        let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let silent = silent.local_addr().unwrap();
        let ask = |servers: &[SocketAddr]| {
            let name = Name::from_ascii("this.mesos.").unwrap();
            lookup(
                servers,
                &name,
                RecordType::A,
                Instant::now() + Duration::from_secs(60),
            )
        };
        let found = ask(&[silent, other.address(), knows.address()]).unwrap();
        assert_eq!(found[0].ip_addr(), Some(Ipv4Addr::new(127, 0, 0, 7).into()));
        let error = ask(&[silent, other.address()]).unwrap_err();
        let said = [silent, other.address()].map(|server| format!("{server}: "));
        assert!(said.iter().all(|said| error.contains(said)), "{error}");
    }
}
