//! The collector's command line and environment.

use crate::flags::{two_dashes, with_environment};
use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};
use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;

/// Receives tagged metrics on a node and hands them on
///
/// The module in the Mesos agent, and any other process, sends streams of Avro records over TCP. By default every record
/// is printed on stdout as a line of JSON; logs go to stderr.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "dcos-stats-collector",
    version,
    after_help = "\
Every option can also be set by an environment variable, its name in capitals with _ for -: LISTEN, OUTPUT, ... \
An option on the command line wins. Long options may have one dash or two. RUST_LOG sets the level of the log \
(error, warn, info, debug).

Example: start a collector, send it metrics, look at their names
  dcos-stats-collector --listen 127.0.0.1:8124 | jq -r '.datapoints[].name' &
  collector-emitter --endpoint 127.0.0.1:8124"
)]
pub struct Options {
    /// Where to take connections; port 0 lets the system choose, and the log says which it was
    ///
    /// HOST may be a name, which is resolved once, an IPv4 address, an IPv6 address in brackets, or empty for all
    /// addresses. The old spellings --listen-endpont and --listen-endpoint are accepted.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8124",
          aliases = ["listen-endpont", "listen-endpoint"], value_parser = endpoint)]
    pub listen: String,

    /// Where records go; may be given several times
    #[arg(
        long,
        value_name = "SINK",
        value_enum,
        value_delimiter = ',',
        default_value = "stdout"
    )]
    pub output: Vec<Output>,

    /// How many connections may be open at a time; more are closed at once
    #[arg(long, value_name = "CONNECTIONS", default_value = "4096")]
    pub max_connections: NonZeroUsize,

    /// The largest block a connection may send, as received and decompressed; 1 to 1048576
    #[arg(long, value_name = "KBYTES", default_value = "4096",
          value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub max_block_kbytes: u32,

    /// Memory for unfinished blocks of all connections together; 1 to 4194303
    ///
    /// When it is used up, connections that send a large block are closed. A block counts as large from 64 kB on.
    #[arg(long, value_name = "KBYTES", default_value = "65536",
          value_parser = clap::value_parser!(u32).range(1..1 << 22))]
    pub max_unfinished_kbytes: u32,

    /// What may wait for each output before its oldest records are dropped, in memory; 1 to 4194303
    #[arg(long, value_name = "KBYTES", default_value = "16384",
          value_parser = clap::value_parser!(u32).range(1..1 << 22))]
    pub output_queue_kbytes: u32,
}

/// A kind of sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// JSON lines on stdout
    Stdout,
}

impl Options {
    /// Reads command line and environment; `arguments` begin with the program's name.
    ///
    /// # Errors
    ///
    /// What is wrong and what is allowed, or the text that was asked for with `--help` or `--version`.
    pub fn read(
        arguments: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, clap::Error> {
        let command = with_environment(Self::command(), variable)?;
        let arguments = two_dashes(&command, arguments);
        let mut options = Self::from_arg_matches(&command.try_get_matches_from(arguments)?)?;
        // The same sink twice would print everything twice.
        options.output.dedup();
        Ok(options)
    }

    /// The addresses of [`Options::listen`], of which the first that can be bound is meant.
    ///
    /// # Errors
    ///
    /// When the host has no address.
    pub fn listen_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        match self.listen.strip_prefix(':') {
            // As in Go, which the old collector was written in.
            Some(port) => ["[::]", "0.0.0.0"]
                .iter()
                .map(|host| socket_address(&format!("{host}:{port}")))
                .collect(),
            None => Ok(self.listen.to_socket_addrs()?.collect()),
        }
    }
}

fn socket_address(text: &str) -> io::Result<SocketAddr> {
    text.parse().map_err(io::Error::other)
}

fn endpoint(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("must be HOST:PORT with a port of 0 to 65535, 127.0.0.1:8124 for example".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Options, clap::Error> {
        let arguments = ["dcos-stats-collector"]
            .iter()
            .chain(arguments)
            .map(OsString::from);
        Options::read(arguments, |name| {
            environment
                .iter()
                .find_map(|(key, value)| (*key == name).then(|| (*value).to_owned()))
        })
    }

    #[test]
    fn the_command_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn every_spelling_of_listen() {
        assert_eq!(read(&[], &[]).unwrap().listen, "127.0.0.1:8124");
        for flag in [
            "--listen",
            "-listen",
            "--listen-endpont",
            "-listen-endpont",
            "--listen-endpoint",
            "-listen-endpoint",
        ] {
            assert_eq!(
                read(&[&format!("{flag}=h:1")], &[]).unwrap().listen,
                "h:1",
                "{flag}"
            );
            assert_eq!(read(&[flag, "h:1"], &[]).unwrap().listen, "h:1", "{flag}");
        }
        for name in ["LISTEN", "LISTEN_ENDPONT", "LISTEN_ENDPOINT"] {
            assert_eq!(read(&[], &[(name, "h:2")]).unwrap().listen, "h:2", "{name}");
            assert_eq!(
                read(&["--listen=h:1"], &[(name, "h:2")]).unwrap().listen,
                "h:1",
                "{name}"
            );
        }
    }

    #[test]
    fn errors_name_option_value_and_what_is_allowed() {
        for (arguments, parts) in [
            (["--listen=nowhere"], ["--listen", "'nowhere'", "HOST:PORT"]),
            (["--listen=h:65536"], ["--listen", "'h:65536'", "0 to 65535"]),
            (["--output=kafka"], ["--output", "'kafka'", "stdout"]),
            (["--max-connections=0"], ["--max-connections", "'0'", "non-zero"]),
            (
                ["--max-block-kbytes=1048577"],
                ["--max-block-kbytes", "1048577", "1..=1048576"],
            ),
            (["--lisen=h:1"], ["--lisen", "--listen", ""]),
        ] {
            let error = read(&arguments, &[]).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{part}: {error}");
            }
        }
        let error = read(&[], &[("LISTEN", "x")]).unwrap_err().to_string();
        assert!(error.contains("LISTEN"), "{error}");
    }

    #[test]
    fn addresses() {
        let of = |listen: &str| {
            let addresses = read(&["--listen", listen], &[])
                .unwrap()
                .listen_addresses()
                .unwrap();
            addresses.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(of("127.0.0.1:1"), ["127.0.0.1:1"]);
        assert_eq!(of("[::1]:1"), ["[::1]:1"]);
        assert_eq!(of(":1"), ["[::]:1", "0.0.0.0:1"]);
        assert!(of("localhost:1").contains(&"127.0.0.1:1".to_owned()));
    }
}
