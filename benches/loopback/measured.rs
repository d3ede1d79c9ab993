//! The process that is measured: the core through its public interface, or the bare program.

use crate::bare::{self, CHUNK_BYTES, Seen, Wait, Work};
use crate::companion::{answer, obey};
use crate::sys;
use stats_slave::Core;
use stats_slave::container::{Container, ContainerId};
use stats_slave::endpoint::socket;
use stats_slave::parameters::{ParameterList, Parameters};
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::process;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// The name of this process in the first argument.
pub(crate) const NAME: &str = "measured";

/// The CPU of everything that is measured.
const CPU: usize = 0;

/// What an agent without configuration asks for, and the bare program as well.
const RECEIVE_BUFFER: usize = 8 << 20;

/// Runs the `kind` of program with so many endpoints. It answers with their ports, and then each order with numbers.
pub(crate) fn run(arguments: &[String]) -> io::Result<()> {
    let [kind, endpoints, statsd_port, collector_port, state_dir] = arguments else {
        return Err(io::Error::other(format!(
            "not the arguments of a measured process: {arguments:?}"
        )));
    };
    sys::pin(CPU)?;
    sys::prefer();
    let count: usize = endpoints.parse().map_err(io::Error::other)?;
    let wait = match kind.as_str() {
        "bare-woken" => Wait::Woken,
        _ => Wait::Gathering,
    };
    match kind.as_str() {
        "bare" | "bare-woken" => {
            let output = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port: u16 = statsd_port.parse().map_err(io::Error::other)?;
            output.connect((Ipv4Addr::LOCALHOST, port))?;
            run_bare(count, Work::Forward(output), wait)
        }
        "receiving" => run_bare(count, Work::Discard, wait),
        outputs => run_core(
            count,
            &parameters(outputs, statsd_port, collector_port, state_dir)?,
        ),
    }
}

/// Ids as long as those of Mesos and Marathon.
fn container(number: usize) -> Container {
    Container {
        id: ContainerId::new(format!("4f1c5a6e-93d7-4a0c-8c41-{number:012}")),
        framework_id: "8a1f2b3c-6d5e-4f70-9182-a3b4c5d6e7f8-0001".to_owned(),
        executor_id: format!("service_backend.instance-{number:05}._app.1"),
    }
}

fn parameters(
    outputs: &str,
    statsd_port: &str,
    collector_port: &str,
    state_dir: &str,
) -> io::Result<Parameters> {
    let on = |output: &str| if outputs.contains(output) { "true" } else { "false" };
    let pairs = [
        // The default limit would throttle a single container at these rates.
        ("container_limit_amount_kbytes", "1000000000000"),
        ("state_path_dir", state_dir),
        ("output_collector_enabled", on("collector")),
        ("output_collector_port", collector_port),
        ("output_statsd_enabled", on("statsd")),
        ("output_statsd_host", "127.0.0.1"),
        ("output_statsd_port", statsd_port),
        ("output_statsd_annotation_mode", "tag_datadog"),
        ("output_statsd_chunk_size_bytes", &CHUNK_BYTES.to_string()),
    ];
    let list = ParameterList::from_pairs(pairs).map_err(io::Error::other)?;
    Parameters::from_list(&list).map_err(io::Error::other)
}

fn run_core(count: usize, parameters: &Parameters) -> io::Result<()> {
    let core = Core::start(parameters).map_err(io::Error::other)?;
    let register = |number| core.register(&container(number)).map_err(io::Error::other);
    let mut ports = Vec::new();
    for number in 0..count {
        ports.push(register(number)?.port().into());
    }
    answer(&ports);
    obey(|order| {
        match order {
            ["usage"] => {
                let accounting = core
                    .accounting()
                    .ok_or_else(|| io::Error::other("the core does not answer"))?;
                say_usage(accounting.datagrams_received, accounting.lines_received);
            }
            // More containers come and go for so many milliseconds: nanoseconds of each call, registering first.
            ["churn", millis] => {
                let end = Instant::now() + Duration::from_millis(millis.parse().map_err(io::Error::other)?);
                let (mut registering, mut unregistering) = (Vec::new(), Vec::new());
                while Instant::now() < end {
                    // A number that was not there before, as containers' ids are.
                    let container = container(count + registering.len());
                    let nanos =
                        |since: Instant| u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    let start = Instant::now();
                    core.register(&container).map_err(io::Error::other)?;
                    registering.push(nanos(start));
                    let start = Instant::now();
                    core.unregister(&container.id);
                    unregistering.push(nanos(start));
                    thread::sleep(Duration::from_micros(500));
                }
                registering.extend(unregistering);
                answer(&registering);
            }
            _ => return Err(io::Error::other(format!("no order for the core: {order:?}"))),
        }
        Ok(())
    })
}

fn run_bare(count: usize, work: Work, wait: Wait) -> io::Result<()> {
    let mut sockets = Vec::new();
    let mut ports = Vec::new();
    for _ in 0..count {
        let socket = socket::bind(Ipv4Addr::LOCALHOST.into(), 0, RECEIVE_BUFFER)?;
        ports.push(socket.local_addr()?.port().into());
        sockets.push(socket);
    }
    let Container {
        id,
        framework_id,
        executor_id,
    } = container(0);
    let tags = format!("|#framework_id:{framework_id},executor_id:{executor_id},container_id:{id}");
    let seen = Arc::new(Seen::default());
    let of_loop = Arc::clone(&seen);
    thread::spawn(move || {
        if let Err(error) = bare::run(sockets, tags.as_bytes(), &work, wait, &of_loop) {
            eprintln!("The bare program ended: {error}");
            process::exit(1);
        }
    });
    answer(&ports);
    obey(|_| {
        say_usage(
            seen.datagrams.load(Ordering::Relaxed),
            seen.lines.load(Ordering::Relaxed),
        );
        Ok(())
    })
}

fn say_usage(datagrams: u64, lines: u64) {
    let micros = u64::try_from(sys::cpu_time().as_micros()).unwrap_or(u64::MAX);
    answer(&[micros, datagrams, lines]);
}
