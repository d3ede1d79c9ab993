//! A name server that knows what a test tells it.

use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};

/// A running dnsmasq, which asks nobody else. Killed when dropped.
#[derive(Debug)]
pub struct NameServer {
    process: Child,
    address: SocketAddr,
}

impl NameServer {
    /// Starts one that has these `records`, each an option of dnsmasq such as `--host-record=a.mesos,127.0.0.1`; None, with a
    /// word about it, if there is no dnsmasq.
    #[must_use]
    pub fn start(records: &[String]) -> Option<Self> {
        // The port may be taken by somebody else before dnsmasq has it.
        (0..10)
            .find_map(|_| Self::try_start(records))
            .unwrap_or_else(|| panic!("dnsmasq does not start"))
    }

    /// None if it ended instead of starting; Some(None) if there is none.
    fn try_start(records: &[String]) -> Option<Option<Self>> {
        let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        // /usr/sbin is not in everybody's PATH.
        let spawned = ["dnsmasq", "/usr/sbin/dnsmasq"].into_iter().find_map(|program| {
            let spawned = Command::new(program)
                .args([
                    "--no-daemon",
                    "--no-resolv",
                    "--no-hosts",
                    "--conf-file=/dev/null",
                    "--bind-interfaces",
                ])
                .args(["--listen-address=127.0.0.1", "--local=/mesos/"])
                .arg(format!("--port={port}"))
                .args(records)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn();
            match spawned {
                Ok(process) => Some(process),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => panic!("{program}: {error}"),
            }
        });
        let Some(mut process) = spawned else {
            eprintln!("skipped: dnsmasq is not installed; on Debian: apt-get install dnsmasq-base");
            return Some(None);
        };
        let mut log = BufReader::new(process.stderr.take().unwrap())
            .lines()
            .map_while(Result::ok);
        if !log.any(|line| line.contains(" started, ")) {
            process.wait().unwrap();
            return None;
        }
        // Whoever logs to a pipe without a reader is killed by it.
        std::thread::spawn(move || log.for_each(drop));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Some(Some(Self { process, address }))
    }

    /// Where it listens, over UDP and TCP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _killed = self.process.kill();
        let _waited = self.process.wait();
    }
}
