use super::*;
use crate::datagrams::receiver::Receiver as Server;

/// A destination whose lookups give these answers, one after the other.
fn scripted(answers: Vec<Answer>) -> (Destination, Sender<()>) {
    let (sender, receiver) = channel();
    answers
        .into_iter()
        .for_each(|answer| sender.send(answer).unwrap());
    let (running, _ended) = channel();
    let destination = Destination {
        host: "statsd.example.com".to_owned(),
        port: 1,
        lookups: Some(Lookups {
            answers: receiver,
            _running: running.clone(),
        }),
        answered: false,
        socket: None,
        failure: None,
    };
    (destination, running)
}

#[test]
fn names_and_addresses() {
    let server = Server::new();
    let address = server.address();
    for host in ["127.0.0.1", "localhost"] {
        let mut destination = Destination::new(host, address.port()).unwrap();
        // localhost may be ::1 first, where nobody listens.
        if host == "localhost"
            && ("localhost", 1)
                .to_socket_addrs()
                .unwrap()
                .next()
                .unwrap()
                .is_ipv6()
        {
            continue;
        }
        destination.send(host.as_bytes()).unwrap();
        assert_eq!(server.next(), host);
    }
}

#[test]
fn the_last_good_address_is_kept_and_a_listed_one_is_not_left() {
    let first = Server::new();
    let first_address = first.address();
    let second = Server::new();
    let second_address = second.address();
    let failed = || Err(io::Error::other("no name service"));
    let (mut destination, _running) = scripted(vec![
        failed(),
        Ok(vec![]),
        Ok(vec![first_address]),
        failed(),
        Ok(vec![second_address, first_address]),
        Ok(vec![second_address]),
    ]);
    for reason in ["no name service", "the name has no addresses"] {
        let error = destination.send(b"lost").unwrap_err().to_string();
        assert!(
            error.contains("statsd.example.com") && error.contains(reason),
            "{error}"
        );
    }
    for text in ["a", "b", "c"] {
        destination.send(text.as_bytes()).unwrap();
        assert_eq!(first.next(), text);
    }
    destination.send(b"d").unwrap();
    assert_eq!(second.next(), "d");
}

#[test]
fn a_receiver_that_is_not_there_is_one_error_for_every_datagram() {
    let server = Server::new();
    let address = server.address();
    drop(server);
    let mut destination = Destination::new("127.0.0.1", address.port()).unwrap();
    for _ in 0..5 {
        let error = destination.send(b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
    // An answer that comes late is that to a datagram before.
    destination.socket.as_ref().unwrap().1.send(b"lost").unwrap();
    let server = Server::at(address);
    assert!(destination.send(b"not lost").is_err());
    assert_eq!(server.next(), "not lost");
    destination.send(b"back").unwrap();
    assert_eq!(server.next(), "back");
}

#[test]
fn lookups_go_on_until_they_are_dropped() {
    let (asked, asks) = channel();
    let lookups = Lookups::start(Duration::ZERO, Duration::ZERO, move || {
        asked.send(()).map_err(io::Error::other)?;
        Ok(Vec::new())
    })
    .unwrap();
    (0..3).for_each(|_| asks.recv().unwrap());
    drop(lookups);
    // Ends when the thread has dropped the other side.
    asks.iter().for_each(drop);
}
