//! The programs of the path: started from the far end, ended from the near one.

use crate::Failure;
use crate::arrivals::Arrivals;
use crate::child::Child;
use crate::reports::{Emitter, Reports};
use crate::statsd_receiver::StatsdReceiver;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::ChildStdout;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tempfile::TempDir;

/// The container that sends more than it is allowed, about three times as much.
pub(crate) const FLOOD: &str = "flood";
/// Lines in each of its datagrams.
pub(crate) const FLOOD_LINES: u64 = 20;

/// Each container's id and the emitter's flags that make its traffic.
const CONTAINERS: [(&str, &[&str]); 3] = [
    // A loop of lines about itself every second.
    ("slow", &[]),
    // Every type, with tags of their own, in datagrams of several lines.
    (
        "mixed",
        &["--pattern", "mixed", "--rate", "900", "--lines-per-datagram", "9"],
    ),
    (FLOOD, &["--rate", "50000", "--lines-per-datagram", "20"]),
];

/// The running path.
pub(crate) struct Route {
    arrivals: Arc<Arrivals>,
    emitters: Vec<(Child, ChildStdout)>,
    module: Child,
    module_stdout: BufReader<ChildStdout>,
    collector: Child,
    collector_reader: JoinHandle<()>,
    statsd_receiver: StatsdReceiver,
    /// Holds the module's file and state; removed at the end.
    _folder: TempDir,
}

/// What the module prints for each container.
#[derive(Deserialize)]
struct Endpoint {
    container_id: String,
    statsd_host: String,
    statsd_port: u16,
}

impl Route {
    pub(crate) fn start() -> Result<Self, Failure> {
        let arrivals = Arc::new(Arrivals::new(&CONTAINERS.map(|(container, _)| container)));
        let statsd_receiver = StatsdReceiver::start(Arc::clone(&arrivals))?;

        let (mut collector, stdout) = Child::start(
            "the collector",
            "dcos-stats-collector",
            ["--listen", "127.0.0.1:0"],
            // Only what the emitters send shall arrive.
            &[
                ("AGENT_POLLING", "false"),
                ("HOST_METRICS", "false"),
                ("HTTP", "off"),
            ],
        )?;
        let counted = Arc::clone(&arrivals);
        let collector_reader = thread::spawn(move || counted.count_json_lines(stdout));
        let address = collector.wait_for_log("Listening on ")?;
        let address: SocketAddr = address
            .parse()
            .map_err(|_| collector.failure(&format!("listens on {address:?}, which is no address")))?;

        let failure = |error| format!("cannot write the module's parameters to a temporary folder: {error}");
        let folder = tempfile::Builder::new()
            .prefix("dcos-stats-demo-")
            .tempdir()
            .map_err(failure)?;
        let modules = folder.path().join("modules.json");
        let state = folder.path().join("state");
        let text = modules_json(&state.to_string_lossy(), address.port(), statsd_receiver.port());
        fs::write(&modules, text).map_err(failure)?;
        let mut arguments = vec!["--modules".to_owned(), modules.to_string_lossy().into_owned()];
        for (container, _) in CONTAINERS {
            arguments.push("--container".to_owned());
            arguments.push(format!(
                "framework_id=demo,executor_id={container}.1,container_id={container}"
            ));
        }
        let (mut module, stdout) = Child::start("the module", "dcos-stats-standalone", arguments, &[])?;
        let mut module_stdout = BufReader::new(stdout);

        let mut emitters = Vec::new();
        for (container, flags) in CONTAINERS {
            let endpoint: Endpoint = json_line(&mut module_stdout, &mut module)?;
            if endpoint.container_id != container {
                return Err(module.failure(&format!(
                    "named {}, expected was {container}",
                    endpoint.container_id
                )));
            }
            let port = endpoint.statsd_port.to_string();
            let variables = [
                ("STATSD_UDP_HOST", endpoint.statsd_host.as_str()),
                ("STATSD_UDP_PORT", &port),
            ];
            let arguments = flags.iter().copied().chain(["--report-json"]);
            let name = format!("the emitter of container {container}");
            emitters.push(Child::start(&name, "statsd-emitter", arguments, &variables)?);
        }
        Ok(Self {
            arrivals,
            emitters,
            module,
            module_stdout,
            collector,
            collector_reader,
            statsd_receiver,
            _folder: folder,
        })
    }

    pub(crate) fn arrivals(&self) -> Arc<Arrivals> {
        Arc::clone(&self.arrivals)
    }

    /// Fails if one of the programs has ended.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        let emitters = self.emitters.iter_mut().map(|(emitter, _)| emitter);
        emitters
            .chain([&mut self.module, &mut self.collector])
            .try_for_each(Child::check)
    }

    /// Ends the programs, each when nothing can come to it any more, and gathers what they report.
    pub(crate) fn finish(self) -> Result<Reports, Failure> {
        for (emitter, _) in &self.emitters {
            emitter.tell_to_end();
        }
        let emitters = self
            .emitters
            .into_iter()
            .map(|(emitter, stdout)| report(emitter, BufReader::new(stdout)));
        let emitters = emitters.collect::<Result<Vec<Emitter>, Failure>>()?;

        self.module.tell_to_end();
        let module = report(self.module, self.module_stdout)?;

        self.collector.tell_to_end();
        let log = self.collector.wait()?;
        self.collector_reader
            .join()
            .map_err(|_| "reading the collector's lines panicked".to_owned())?;
        let balance = log
            .iter()
            .find_map(|line| line.split_once("Final balance: "))
            .map(|(_, json)| json);
        let balance = balance.ok_or("the collector ended without a balance in its log")?;
        let collector =
            serde_json::from_str(balance).map_err(|e| format!("the collector's balance {balance}: {e}"))?;

        let statsd_kernel_drops = self.statsd_receiver.finish()?;
        Ok(Reports {
            containers: self.arrivals.containers.clone(),
            emitters,
            module,
            collector,
            at_statsd: self.arrivals.statsd.arrived(),
            statsd_kernel_drops,
            at_collector: self.arrivals.collector.arrived(),
        })
    }
}

/// The parameters of the module, as `mesos-agent --modules` takes them.
fn modules_json(state: &str, collector_port: u16, statsd_port: u16) -> String {
    let parameters = [
        ("listen_interface", "lo"),
        // 1 MiB a second for each container, so that the flood shows what a limit does.
        ("container_limit_amount_kbytes", "2048"),
        ("container_limit_period_secs", "2"),
        ("self_metrics_enabled", "true"),
        ("output_collector_enabled", "true"),
        ("output_collector_ip", "127.0.0.1"),
        ("output_collector_port", &collector_port.to_string()),
        ("output_collector_chunk_timeout_seconds", "1"),
        ("output_statsd_enabled", "true"),
        ("output_statsd_host", "127.0.0.1"),
        ("output_statsd_port", &statsd_port.to_string()),
        ("output_statsd_annotation_mode", "tag_datadog"),
        ("output_statsd_chunk_size_bytes", "1432"),
        ("state_path_dir", state),
    ]
    .map(|(key, value)| json!({"key": key, "value": value}));
    let module = json!({"name": "com_mesosphere_StatsIsolatorModule", "parameters": parameters});
    json!({"libraries": [{"file": "libstats-slave.so", "modules": [module]}]}).to_string()
}

/// Waits for the program's end and its report, the last line of its stdout.
fn report<T: DeserializeOwned>(mut program: Child, mut stdout: BufReader<ChildStdout>) -> Result<T, Failure> {
    let report = json_line(&mut stdout, &mut program)?;
    // What else it may print is read, so that it does not wait for room.
    stdout
        .read_to_end(&mut Vec::new())
        .map_err(|e| program.failure(&format!("has a stdout that fails, {e}")))?;
    program.wait()?;
    Ok(report)
}

fn json_line<T: DeserializeOwned>(stdout: &mut impl BufRead, program: &mut Child) -> Result<T, Failure> {
    let mut line = String::new();
    match stdout.read_line(&mut line) {
        Ok(0) => Err(program.ended_too_early()),
        Ok(_) => serde_json::from_str(&line)
            .map_err(|error| program.failure(&format!("printed {line:?}: {error}"))),
        Err(error) => Err(program.failure(&format!("has a stdout that fails, {error}"))),
    }
}
