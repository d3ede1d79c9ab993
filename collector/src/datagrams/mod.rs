//! Lines over UDP: many in a datagram, to a host that may change its address.

mod destination;
mod packing;
#[cfg(test)]
pub(crate) mod receiver;

pub(crate) use destination::Destination;
pub(crate) use packing::{Datagram, MAX_DATAGRAM};

use clap::builder::{RangedU64ValueParser, TypedValueParser};

/// Accepts sizes of datagrams, in bytes: at least what every line of a number and a short name needs.
pub(crate) fn datagram_bytes() -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::<usize>::new().range(64..=MAX_DATAGRAM as u64)
}

/// Accepts `HOST:PORT` where something can be sent to, so no empty host and no port 0.
pub(crate) fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let parts = text.rsplit_once(':').and_then(|(host, port)| {
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        Some((host, port.parse().ok().filter(|port| *port > 0)?))
    });
    match parts {
        Some((host, port)) if !host.is_empty() => Ok((host.to_owned(), port)),
        _ => {
            Err("must be HOST:PORT with a port of 1 to 65535, statsd.example.com:8125 for example".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        for (text, expected) in [
            ("h:1", Some(("h", 1))),
            ("10.0.0.1:65535", Some(("10.0.0.1", 65535))),
            ("[::1]:8125", Some(("::1", 8125))),
            ("h", None),
            (":8125", None),
            ("[]:8125", None),
            ("h:0", None),
            ("h:65536", None),
            ("h:", None),
        ] {
            let expected = expected.map(|(host, port): (&str, u16)| (host.to_owned(), port));
            assert_eq!(host_and_port(text).ok(), expected, "{text}");
        }
    }
}
