//! The one IP address that all endpoints are bound to, from `listen_interface` or `listen_host`.

use crate::parameters::ListenAddress;
use crate::sys::interfaces::{Interface, interfaces};
use std::io;
use std::net::{IpAddr, ToSocketAddrs};

/// Why there is no address to listen on.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The machine does not have the interface, or the interface has no address to listen on.
    #[error(
        "Invalid listen_interface config value: {name:?} {problem}; interfaces with an address to listen on: {usable}"
    )]
    Interface {
        /// The parameter's value.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
        /// The interfaces that would do, with their addresses.
        usable: String,
    },
    /// The interfaces could not be listed.
    #[error("listen_interface={name:?}: the network interfaces cannot be listed: {source}")]
    Listing {
        /// The parameter's value.
        name: String,
        /// What getifaddrs(3) said.
        source: io::Error,
    },
    /// The host name has no address.
    #[error(
        "Invalid listen_host config value: {host:?}: {source}; allowed are an IP address of this machine, \
         or a name that resolves to one"
    )]
    Host {
        /// The parameter's value.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
}

/// The address to bind endpoints to.
///
/// * An interface stands for its first IPv4 address (`reference/metrics.md` 1.3). The old module ended the agent where there
///   was none; here the first IPv6 address that is not link-local does as well.
/// * A host name is looked up once, which may take as long as the system's resolver takes; its first address counts.
/// * An IP address is taken as it is.
///
/// # Errors
/// One line that names the parameter, its value and what is possible.
pub fn resolve(address: &ListenAddress) -> Result<IpAddr, AddressError> {
    match address {
        ListenAddress::Interface(name) => {
            let interfaces = interfaces().map_err(|source| AddressError::Listing {
                name: name.clone(),
                source,
            })?;
            log::info!(
                "Network interfaces (searching for {name:?}): {}",
                describe(&interfaces)
            );
            address_of(name, &interfaces)
        }
        ListenAddress::Host(host) => host_address(host),
        ListenAddress::Ip(ip) => Ok(*ip),
    }
}

fn host_address(host: &str) -> Result<IpAddr, AddressError> {
    // Port 0 only because the standard library wants one. IP literals don't reach the resolver.
    let first = (host, 0).to_socket_addrs().and_then(|mut found| {
        found
            .next()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
    });
    match first {
        Ok(address) => Ok(address.ip()),
        Err(source) => Err(AddressError::Host {
            host: host.to_owned(),
            source,
        }),
    }
}

fn address_of(name: &str, interfaces: &[Interface]) -> Result<IpAddr, AddressError> {
    let problem = match interfaces.iter().find(|interface| interface.name == name) {
        Some(interface) => match preferred(&interface.addresses) {
            Some(ip) => return Ok(ip),
            None => "has no IPv4 address, and no IPv6 address but link-local ones",
        },
        None => "is no network interface of this machine",
    };
    let usable: Vec<Interface> = interfaces
        .iter()
        .filter(|interface| preferred(&interface.addresses).is_some())
        .cloned()
        .collect();
    Err(AddressError::Interface {
        name: name.to_owned(),
        problem,
        usable: describe(&usable),
    })
}

/// Link-local addresses are left out because they mean nothing without the interface's number, which
/// `STATSD_UDP_HOST` can't carry to the clients.
fn preferred(addresses: &[IpAddr]) -> Option<IpAddr> {
    let global_v6 = |ip: &&IpAddr| matches!(ip, IpAddr::V6(v6) if !v6.is_unicast_link_local());
    addresses
        .iter()
        .find(|ip| ip.is_ipv4())
        .or_else(|| addresses.iter().find(global_v6))
        .copied()
}

fn describe(interfaces: &[Interface]) -> String {
    if interfaces.is_empty() {
        return "none".to_owned();
    }
    let one = |interface: &Interface| match preferred(&interface.addresses) {
        Some(ip) => format!("{} ({ip})", interface.name),
        None => format!("{} (no address)", interface.name),
    };
    interfaces.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Vec<Interface> {
        [
            ("lo", &["127.0.0.1", "::1"][..]),
            ("eth0", &["fe80::1", "fd00::2", "192.0.2.2", "192.0.2.3"]),
            ("six", &["fe80::2", "2001:db8::1", "2001:db8::2"]),
            ("local", &["fe80::3"]),
            ("bare", &[]),
        ]
        .into_iter()
        .map(|(name, addresses)| Interface {
            name: name.to_owned(),
            addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
        })
        .collect()
    }

    #[test]
    fn an_interface_stands_for_its_first_ipv4_address_or_else_its_first_global_one() {
        for (name, expected) in [("lo", "127.0.0.1"), ("eth0", "192.0.2.2"), ("six", "2001:db8::1")] {
            assert_eq!(
                address_of(name, &machine()).unwrap().to_string(),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn an_interface_without_address_is_refused_with_the_ones_that_would_do() {
        let usable =
            "; interfaces with an address to listen on: lo (127.0.0.1), eth0 (192.0.2.2), six (2001:db8::1)";
        for (name, problem) in [
            (
                "local",
                "\"local\" has no IPv4 address, and no IPv6 address but link-local ones",
            ),
            (
                "bare",
                "\"bare\" has no IPv4 address, and no IPv6 address but link-local ones",
            ),
            ("eth1", "\"eth1\" is no network interface of this machine"),
            ("", "\"\" is no network interface of this machine"),
            ("l\no", "\"l\\no\" is no network interface of this machine"),
        ] {
            assert_eq!(
                address_of(name, &machine()).unwrap_err().to_string(),
                format!("Invalid listen_interface config value: {problem}{usable}")
            );
        }
        assert!(
            address_of("lo", &[])
                .unwrap_err()
                .to_string()
                .ends_with("to listen on: none")
        );
    }

    #[test]
    fn this_machine() {
        let lo = resolve(&ListenAddress::Interface("lo".to_owned())).unwrap();
        assert_eq!(lo.to_string(), "127.0.0.1");
        let error = resolve(&ListenAddress::Interface("no-such-interface".to_owned()))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("\"no-such-interface\" is no network") && error.contains("lo (127.0.0.1)"),
            "{error}"
        );
    }

    #[test]
    fn hosts() {
        for literal in ["127.0.0.1", "192.0.2.77", "::1"] {
            let ip: IpAddr = literal.parse().unwrap();
            assert_eq!(resolve(&ListenAddress::Host(literal.to_owned())).unwrap(), ip);
            assert_eq!(resolve(&ListenAddress::Ip(ip)).unwrap(), ip);
        }
        assert!(
            resolve(&ListenAddress::Host("localhost".to_owned()))
                .unwrap()
                .is_loopback()
        );
        // No resolver takes an empty label, so this needs no network to fail.
        for host in ["a..b", ""] {
            let error = resolve(&ListenAddress::Host(host.to_owned()))
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with(&format!("Invalid listen_host config value: {host:?}: ")),
                "{error}"
            );
        }
    }
}
