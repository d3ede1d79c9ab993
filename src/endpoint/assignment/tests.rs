//! The strategies on real sockets: `reference/metrics-vectors.md` 10.
//!
//! No unit test of this crate may start a process: until a forked child executes its program, it holds a copy of every socket,
//! and a port that was just closed here is still in use.

use super::*;
use crate::parameters::ListenAddress;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};

/// A loopback address that no other test binds, so that fixed ports are free on it.
fn own_address() -> IpAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(
        127,
        high.max(1),
        low,
        NEXT.fetch_add(1, Ordering::Relaxed),
    ))
}

fn strategy(ip: IpAddr, ports: PortMode) -> Box<dyn Assignment> {
    assignment(&Listen {
        address: ListenAddress::Ip(ip),
        ports,
        receive_buffer_bytes: 65_536,
    })
    .unwrap()
}

fn ports_of(assigned: &[Assigned]) -> Vec<u16> {
    assigned.iter().map(|one| one.endpoint.port()).collect()
}

/// Whether somebody listens there.
fn is_open(endpoint: SocketAddr) -> bool {
    UdpSocket::bind(endpoint).is_err()
}

#[test]
fn the_address_is_resolved_or_refused_before_anything_is_bound() {
    let listen = |address| Listen {
        address,
        ports: PortMode::Ephemeral,
        receive_buffer_bytes: 65_536,
    };
    let mut lo = assignment(&listen(ListenAddress::Interface("lo".to_owned()))).unwrap();
    assert_eq!(
        lo.assign().unwrap().endpoint.ip(),
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    );
    let error = assignment(&listen(ListenAddress::Interface("nope0".to_owned())))
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .starts_with("Invalid listen_interface config value: \"nope0\""),
        "{error}"
    );
}

#[test]
fn single_opens_at_the_first_container_and_is_shared() {
    let ip = own_address();
    let endpoint = SocketAddr::new(ip, 20_000);
    let holder = UdpSocket::bind(endpoint).unwrap();
    let mut single = strategy(ip, PortMode::Single(20_000));
    let error = single.assign().unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{endpoint} cannot be bound: ")),
        "{error}"
    );
    drop(holder);

    let first = single.assign().unwrap();
    assert_eq!((first.endpoint, first.socket.is_some()), (endpoint, true));
    for other in [single.assign(), single.reclaim(20_000), single.reclaim(20_001)] {
        let other = other.unwrap();
        assert_eq!((other.endpoint, other.socket.is_none()), (endpoint, true));
    }
    assert!(is_open(endpoint));

    // The socket was lost: the next container gets a new one.
    drop(first);
    assert!(!is_open(endpoint));
    assert!(single.assign().unwrap().socket.is_some());
}

#[test]
fn single_recovers_on_the_configured_port() {
    let ip = own_address();
    let mut single = strategy(ip, PortMode::Single(20_000));
    let reclaimed = single.reclaim(19_999).unwrap();
    assert_eq!(
        (reclaimed.endpoint.port(), reclaimed.socket.is_some()),
        (20_000, true)
    );
}

#[test]
fn ephemeral_gives_each_container_its_own_and_recovers_a_given_port() {
    for ip in [own_address(), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        if let Err(error) = UdpSocket::bind((ip, 0)) {
            assert!(ip.is_ipv6(), "{error}");
            eprintln!("skipped: no IPv6 here: {error}");
            continue;
        }
        let mut ephemeral = strategy(ip, PortMode::Ephemeral);
        let first = ephemeral.assign().unwrap();
        let second = ephemeral.assign().unwrap();
        assert_ne!(first.endpoint.port(), 0);
        assert_ne!(first.endpoint, second.endpoint);
        assert!(ephemeral.reclaim(first.endpoint.port()).is_err(), "still open");

        let endpoint = first.endpoint;
        drop(first);
        let reclaimed = ephemeral.reclaim(endpoint.port()).unwrap();
        assert_eq!(reclaimed.endpoint, endpoint);
        assert_eq!(
            reclaimed.socket.as_ref().map(BoundSocket::endpoint),
            Some(endpoint)
        );
    }
}

/// Case 2 there: a port that can't be opened fails the registration and is tried again by the next one. Here the next port is
/// taken, and the other one comes again when it is its turn.
#[test]
fn range_skips_a_port_held_by_others() {
    let ip = own_address();
    let holder = UdpSocket::bind((ip, 20_100)).unwrap();
    let mut range = strategy(
        ip,
        PortMode::Range {
            start: 20_100,
            end: 20_102,
        },
    );
    let mut assigned = vec![range.assign().unwrap(), range.assign().unwrap()];
    assert_eq!(ports_of(&assigned), [20_101, 20_102]);
    for _ in 0..2 {
        assert_eq!(
            range.assign().unwrap_err().to_string(),
            "Port range 20100-20102 has been depleted. 2 ports are used by containers' endpoints, 1 are held by other \
             programs; widen it with listen_port_start and listen_port_end"
        );
    }
    drop(holder);
    assigned.push(range.assign().unwrap());
    assert_eq!(ports_of(&assigned), [20_101, 20_102, 20_100]);
}

/// Case 3 there, without the leak: a port is returned however its container ends, and after its socket is closed.
#[test]
fn range_returns_ports_least_recently_freed_first() {
    let ip = own_address();
    let mut range = strategy(
        ip,
        PortMode::Range {
            start: 20_100,
            end: 20_103,
        },
    );
    let mut assigned: Vec<Assigned> = (0..3).map(|_| range.assign().unwrap()).collect();
    assert_eq!(ports_of(&assigned), [20_100, 20_101, 20_102]);

    // Split as the loop does it: the port is closed but not free while the lease lives.
    let (socket, lease) = assigned.remove(1).socket.unwrap().into_parts();
    drop(socket);
    assert!(!is_open(SocketAddr::new(ip, 20_101)));
    assert_eq!(
        range.reclaim(20_101).unwrap_err().to_string(),
        "port 20101 is already used by another container's endpoint"
    );
    drop(lease);
    drop(assigned.remove(0));
    assert!(!is_open(SocketAddr::new(ip, 20_100)));

    assigned.extend((0..3).map(|_| range.assign().unwrap()));
    assert_eq!(ports_of(&assigned), [20_102, 20_103, 20_101, 20_100]);
    assert!(matches!(
        range.assign(),
        Err(AssignError::Depleted {
            ours: 4,
            others: 0,
            ..
        })
    ));
}

#[test]
fn range_recovers_a_given_port() {
    let ip = own_address();
    let mut range = strategy(
        ip,
        PortMode::Range {
            start: 20_100,
            end: 20_102,
        },
    );
    let first = range.reclaim(20_102).unwrap();
    assert_eq!(first.endpoint, SocketAddr::new(ip, 20_102));
    assert!(matches!(
        range.reclaim(20_102),
        Err(AssignError::Port(PortError::Used { port: 20_102 }))
    ));
    drop(first);

    let holder = UdpSocket::bind((ip, 20_102)).unwrap();
    assert!(matches!(range.reclaim(20_102), Err(AssignError::Bind { .. })));
    drop(holder);
    let _again = range.reclaim(20_102).unwrap();

    for (port, refused) in [
        (
            20_099,
            PortError::Below {
                port: 20_099,
                first: 20_100,
            },
        ),
        (
            20_103,
            PortError::Above {
                port: 20_103,
                last: 20_102,
            },
        ),
        (
            0,
            PortError::Below {
                port: 0,
                first: 20_100,
            },
        ),
    ] {
        assert!(matches!(range.reclaim(port), Err(AssignError::Port(error)) if error == refused));
    }
    let assigned = [range.assign().unwrap(), range.assign().unwrap()];
    assert_eq!(ports_of(&assigned), [20_100, 20_101]);
}

/// What is wrong with the address, not the port, is not tried on every port.
#[test]
fn range_stops_at_an_error_that_no_other_port_would_avoid() {
    // TEST-NET-3 is nobody's.
    let mut range = strategy(
        "203.0.113.1".parse().unwrap(),
        PortMode::Range {
            start: 20_100,
            end: 20_102,
        },
    );
    for _ in 0..4 {
        assert!(matches!(range.assign(), Err(AssignError::Bind { .. })));
    }
}
