use super::*;
use std::net::Ipv4Addr;

fn localhost(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A destination whose lookups the test answers itself.
fn unresolved() -> Destination {
    Destination {
        host: "receiver.test".to_owned(),
        refresh: Duration::from_secs(60),
        resolver: None,
        asked_at: None,
        timed_out: false,
        next_lookup: Instant::now(),
        known: Vec::new(),
        open: None,
    }
}

fn target(destination: &Destination) -> Option<SocketAddr> {
    destination.socket().map(|socket| socket.peer_addr().unwrap())
}

fn waker() -> (mio::Poll, Arc<Waker>) {
    let poll = mio::Poll::new().unwrap();
    let waker = Arc::new(Waker::new(poll.registry(), mio::Token(0)).unwrap());
    (poll, waker)
}

/// Turns the destination, by a clock that starts at `now`, until a lookup has been answered.
fn look_up(destination: &mut Destination, poll: &mut mio::Poll, now: Instant) {
    destination.turn(now);
    let mut events = mio::Events::with_capacity(1);
    while destination.asked_at.is_some() {
        poll.poll(&mut events, None).unwrap();
        destination.turn(now);
    }
}

#[test]
fn an_ip_address_needs_no_lookup() {
    let (_poll, waker) = waker();
    for host in ["127.0.0.1", "::1"] {
        let now = Instant::now();
        let destination =
            Destination::new(host, 8125, Duration::from_secs(60), now, Arc::clone(&waker)).unwrap();
        if host == "127.0.0.1" || UdpSocket::bind("[::1]:0").is_ok() {
            assert_eq!(
                target(&destination),
                Some(SocketAddr::new(host.parse().unwrap(), 8125))
            );
        }
        assert_eq!(destination.deadline(), None);
    }
}

#[test]
fn an_address_is_kept_while_it_is_listed() {
    // metrics-vectors.md 15: the old system went to a random address of the new list.
    let mut destination = unresolved();
    assert_eq!(target(&destination), None);
    destination.update(vec![localhost(1)]);
    assert_eq!(target(&destination), Some(localhost(1)));
    for _ in 0..50 {
        destination.update(vec![localhost(3), localhost(2), localhost(1), localhost(1)]);
        assert_eq!(target(&destination), Some(localhost(1)));
        destination.update(vec![localhost(1), localhost(2)]);
        assert_eq!(target(&destination), Some(localhost(1)));
    }
    destination.update(vec![localhost(2)]);
    assert_eq!(target(&destination), Some(localhost(2)));
    destination.failed(&io::Error::other("no answer"), "");
    assert_eq!(target(&destination), Some(localhost(2)));
}

#[test]
fn any_address_may_be_picked() {
    let mut picked = std::collections::HashSet::new();
    for _ in 0..1000 {
        let mut destination = unresolved();
        destination.update(vec![localhost(1), localhost(2), localhost(3)]);
        picked.insert(target(&destination).unwrap().port());
        if picked.len() == 3 {
            return;
        }
    }
    panic!("of three addresses only {picked:?} were picked in 1000 tries");
}

#[test]
fn an_address_without_route_is_passed_over() {
    // The kernel refuses to connect a socket to port 0.
    let unusable = SocketAddr::from(([0xff0e, 0, 0, 0, 0, 0, 0, 1], 0));
    let mut destination = unresolved();
    for _ in 0..20 {
        destination.open = None;
        destination.update(vec![unusable, localhost(2)]);
        if connect(unusable).is_err() {
            assert_eq!(target(&destination), Some(localhost(2)));
        }
    }
}

#[test]
fn a_name_is_looked_up_at_once_and_after_every_refresh() {
    let (mut poll, waker) = waker();
    let start = Instant::now();
    let refresh = Duration::from_secs(60);
    let mut destination = Destination::new("localhost", 8125, refresh, start, waker).unwrap();
    assert_eq!(destination.deadline(), Some(start));
    assert_eq!(target(&destination), None);
    look_up(&mut destination, &mut poll, start);
    assert!(target(&destination).unwrap().ip().is_loopback());
    assert_eq!(destination.deadline(), Some(start + refresh));

    // The name is there, but its address is not: the next lookup replaces it.
    destination.update(vec![localhost(9)]);
    destination.turn(start + refresh - Duration::from_millis(1));
    assert!(destination.asked_at.is_none());
    look_up(&mut destination, &mut poll, start + refresh);
    assert_eq!(target(&destination).unwrap().port(), 8125);
}

#[test]
fn a_name_that_is_not_there_is_tried_sooner_until_it_is() {
    let (mut poll, waker) = waker();
    let start = Instant::now();
    let mut destination =
        Destination::new("no-such-host.invalid", 1, Duration::from_secs(60), start, waker).unwrap();
    look_up(&mut destination, &mut poll, start);
    assert_eq!(target(&destination), None);
    assert_eq!(destination.deadline(), Some(start + FIRST_RETRY));
    destination.update(vec![localhost(1)]);
    look_up(&mut destination, &mut poll, start + FIRST_RETRY);
    assert_eq!(
        target(&destination),
        Some(localhost(1)),
        "a failure keeps the old address"
    );
    assert_eq!(
        destination.deadline(),
        Some(start + FIRST_RETRY + Duration::from_secs(60))
    );
}

#[test]
fn a_lookup_without_answer_is_given_up_but_not_repeated() {
    let mut destination = unresolved();
    let (_poll, waker) = waker();
    // A resolver that was never asked never answers.
    destination.resolver = Some(Resolver::start("localhost", 1, waker).unwrap());
    let start = destination.next_lookup;
    destination.asked_at = Some(start);
    assert_eq!(destination.deadline(), Some(start + LOOKUP_TIMEOUT));
    destination.turn(start + LOOKUP_TIMEOUT);
    assert!(destination.timed_out);
    assert_eq!(destination.deadline(), None);
    assert!(destination.asked_at.is_some());
}
