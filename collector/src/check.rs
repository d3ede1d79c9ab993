//! `--check`: whether the options can work, asked of everything they lead to. No record is sent.

use crate::agent;
use crate::options::Options;
use crate::sinks::{Files, kafka};
use std::fmt::Display;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

/// One thing that was looked at, by the option that leads there: what was found, or what is wrong with it.
pub type Finding = (&'static str, Result<String, String>);

/// Looks at everything the options lead to. Blocks for as long as agent, name servers and brokers take to answer, which
/// is limited to some seconds each.
#[must_use]
pub fn check(options: &Options) -> Vec<Finding> {
    let mut findings = vec![("--listen", listen(options.listen_addresses()))];
    if let Some(addresses) = options.http.addresses() {
        findings.push(("--http", listen(addresses)));
    }
    match options.agent.settings() {
        Ok(None) => {}
        Ok(Some(settings)) => findings.push((
            "--agent-polling",
            text(agent::check(&settings)).map(|id| format!("the agent {id} answers")),
        )),
        Err(error) => findings.push(("--agent-polling", Err(error.to_string()))),
    }
    match options.kafka.settings(crate::environment()) {
        Ok(None) => {}
        Ok(Some(settings)) => findings.push(("--kafka", kafka::check(&settings))),
        Err(error) => findings.push(("--kafka", Err(error))),
    }
    if let Some((host, port)) = &options.statsd.server {
        findings.push(("--statsd-output", resolve(host, *port)));
    }
    if options.file.folder.is_some() {
        let folder = text(Files::open(&options.file)).map(|_| "files can be written".to_owned());
        findings.push(("--file", folder));
    }
    let own = &options.self_metrics;
    if !own.host.is_empty() && own.port != 0 {
        findings.push(("--statsd-udp-host", resolve(&own.host, own.port)));
    }
    findings
}

fn listen(addresses: io::Result<Vec<SocketAddr>>) -> Result<String, String> {
    let listener = text(addresses.and_then(|addresses| TcpListener::bind(&*addresses)))?;
    let address = text(listener.local_addr())?;
    Ok(format!("{address} is free"))
}

fn resolve(host: &str, port: u16) -> Result<String, String> {
    let mut addresses = text((host, port).to_socket_addrs()).map_err(|error| format!("{host}: {error}"))?;
    let address = addresses.next().ok_or_else(|| format!("{host} has no address"))?;
    Ok(format!("{host}:{port} is {address}"))
}

fn text<T>(result: Result<T, impl Display>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}
