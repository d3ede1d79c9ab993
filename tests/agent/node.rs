//! A Mesos cluster of one machine: master, agent with the module, collector.

use crate::lines::Lines;
use crate::mesos::Mesos;
use crate::sweeper::Sweeper;
use crate::{PATIENCE, eventually, file_names, sockets};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

/// What a test wants to be otherwise than in `mesos-agent-modules.json.example`.
#[derive(Default)]
pub(crate) struct Setup<'a> {
    pub(crate) parameters: &'a [(&'a str, &'a str)],
    pub(crate) flags: &'a [&'a str],
}

/// Ends with all that runs in it when it is dropped; a test that fails sees the agent's log.
pub(crate) struct Node {
    pub(crate) mesos: &'static Mesos,
    agent: Process,
    // Named where nothing uses them but the drop.
    _master: Process,
    collector: Process,
    pub(crate) records: Lines,
    pub(crate) master_address: String,
    agent_command: Vec<String>,
    directory: PathBuf,
    _sweeper: Sweeper,
}

/// A process whose stderr is followed; killed when dropped.
struct Process {
    child: Child,
    log: Lines,
}

impl Process {
    fn start(name: &'static str, program: &Path, arguments: &[String], directory: &Path) -> Self {
        let mut command = Command::new(program);
        // A flag of Mesos may come by a variable too, which is not what is tested.
        for (variable, _) in std::env::vars_os() {
            if ["MESOS_", "LIBPROCESS_"]
                .iter()
                .any(|prefix| variable.to_string_lossy().starts_with(prefix))
            {
                command.env_remove(variable);
            }
        }
        let mut child = command
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Lines::follow(name, child.stderr.take().unwrap());
        Self { child, log }
    }

    fn stdout(&mut self, of: &'static str) -> Lines {
        Lines::follow(of, self.child.stdout.take().unwrap())
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Node {
    /// Starts everything and waits until the agent takes tasks; `None`, if there is no Mesos.
    pub(crate) fn start(setup: &Setup) -> Option<Self> {
        let mesos = Mesos::find()?;
        let (directory, sweeper) = directory();
        // The collector has to know it before there is an agent, and executors look for the agent there after a restart.
        let agent_port = free_port();
        let mut collector = Process::start(
            "the collector",
            &mesos.collector,
            &[
                "--listen=127.0.0.1:0".to_owned(),
                format!("--agent-url=http://127.0.0.1:{agent_port}"),
                "--host-metrics=false".to_owned(),
                "--http=off".to_owned(),
            ],
            &directory,
        );
        let records = collector.stdout("the collector's stdout");
        let listening = collector.log.wait_for_text("Listening on ");
        let collector_port = listening.rsplit(':').next().unwrap();
        let mut parameters = vec![
            ("output_collector_port", collector_port),
            ("output_collector_chunk_timeout_seconds", "1"),
        ];
        parameters.extend(setup.parameters);

        let mut master_flags = [
            "--ip=127.0.0.1",
            "--hostname=localhost",
            "--registry=in_memory",
            "--port=0",
        ]
        .map(str::to_owned)
        .to_vec();
        master_flags.push("--allocation_interval=100ms".to_owned());
        master_flags.push(format!("--work_dir={}", directory.join("master").display()));
        let master = Process::start("the master", &mesos.master, &master_flags, &directory);
        let started = master.log.wait_for_text(" started on ");
        let master_address = started.rsplit(' ').next().unwrap().to_owned();

        let mut agent_command = agent_flags(&mesos.module, &directory, &parameters);
        agent_command.push(format!("--master={master_address}"));
        agent_command.push(format!("--port={agent_port}"));
        agent_command.extend(setup.flags.iter().map(|&flag| flag.to_owned()));
        let agent = Process::start("the agent", &mesos.agent, &agent_command, &directory);
        agent.log.wait_for_text("Registered with master");
        Some(Self {
            mesos,
            agent,
            _master: master,
            collector,
            records,
            master_address,
            agent_command,
            directory,
            _sweeper: sweeper,
        })
    }

    /// Where a test may put files.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The agent's process id.
    pub(crate) fn agent(&self) -> u32 {
        self.agent.child.id()
    }

    pub(crate) fn agent_log(&self) -> &Lines {
        &self.agent.log
    }

    /// Does both of the next, and waits until the agent has its tasks back.
    pub(crate) fn kill_and_restart_agent(&mut self) {
        self.kill_agent();
        self.start_agent();
        self.agent.log.wait_for_text("Re-registered with master");
    }

    /// Ends the agent as a power failure would, its containers going on.
    pub(crate) fn kill_agent(&mut self) {
        self.agent.kill();
    }

    /// Starts the agent that was killed again, and does not wait.
    pub(crate) fn start_agent(&mut self) {
        self.agent = Process::start(
            "the agent",
            &self.mesos.agent,
            &self.agent_command,
            &self.directory,
        );
    }

    /// Whether the agent that was started again has its tasks back.
    pub(crate) fn agent_is_back(&self) -> bool {
        let log = self.agent.log.so_far();
        log.iter().any(|line| line.contains("Re-registered with master"))
    }

    /// The ports of all endpoints, each of which is open once.
    pub(crate) fn endpoints(&self) -> BTreeSet<u16> {
        sockets::udp_ports(self.agent())
    }

    /// Waits until these are the endpoints, and as many containers have a state file.
    pub(crate) fn wait_for_endpoints(&self, expected: &BTreeSet<u16>) {
        eventually(&format!("endpoints {expected:?}"), || {
            (self.endpoints() == *expected && self.state_files().len() == expected.len()).then_some(())
        });
    }

    pub(crate) fn state_files(&self) -> Vec<String> {
        file_names(&self.directory.join("state/containers"))
    }

    /// Ends the collector in the good way, with everything printed; all its records.
    pub(crate) fn end_collector(&mut self) -> Vec<Value> {
        let id = self.collector.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        let lines = self.records.wait_for_end();
        assert_eq!(self.collector.child.wait().unwrap().code(), Some(0));
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if thread::panicking() {
            let lines = self.agent.log.so_far();
            let last = &lines[lines.len().saturating_sub(80)..];
            eprintln!("The agent's log ends:\n{}", last.join("\n"));
        }
    }
}

/// Runs an agent that must refuse these parameters; how it ends and what it says.
pub(crate) fn refused(
    mesos: &Mesos,
    more_flags: &[&str],
    modules: impl FnOnce(&Path) -> Value,
) -> (ExitStatus, Vec<String>) {
    let (directory, _sweeper) = directory();
    let mut flags = agent_flags(&mesos.module, &directory, &[]);
    flags.extend(
        ["--master=127.0.0.1:1", "--port=0"]
            .iter()
            .chain(more_flags)
            .map(|&flag| flag.to_owned()),
    );
    std::fs::write(directory.join("modules.json"), modules(&directory).to_string()).unwrap();
    let mut agent = Process::start("the agent", &mesos.agent, &flags, &directory);
    let log = agent.log.wait_for_end();
    let status = eventually(&format!("the agent's end within {PATIENCE:?}"), || {
        agent.child.try_wait().unwrap()
    });
    (status, log)
}

/// A TCP port that nobody has now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A new directory, and what ends the processes in it.
fn directory() -> (PathBuf, Sweeper) {
    let directory = tempfile::Builder::new()
        .prefix("stats-agent-")
        .tempdir()
        .unwrap()
        .keep();
    let sweeper = Sweeper::of(&directory);
    (directory, sweeper)
}

/// Writes the modules file; the flags for an agent that uses it.
fn agent_flags(module: &Path, directory: &Path, parameters: &[(&str, &str)]) -> Vec<String> {
    let modules = directory.join("modules.json");
    std::fs::write(&modules, modules_json(module, directory, parameters).to_string()).unwrap();
    let mut flags = [
        "--ip=127.0.0.1",
        "--hostname=localhost",
        "--launcher=posix",
        "--isolation=posix/cpu,posix/mem,com_mesosphere_StatsIsolatorModule",
        "--no-systemd_enable_support",
        // More than the machine has: nothing here is measured.
        "--resources=cpus:64;mem:65536;disk:4096;ports:[31000-31999]",
        "--registration_backoff_factor=50ms",
        "--executor_shutdown_grace_period=2secs",
        "--executor_registration_timeout=2mins",
    ]
    .map(str::to_owned)
    .to_vec();
    flags.push(format!("--modules=file://{}", modules.display()));
    for (flag, folder) in [("work_dir", "agent"), ("runtime_dir", "runtime")] {
        flags.push(format!("--{flag}={}", directory.join(folder).display()));
    }
    flags
}

/// The example's isolator with these parameters instead of its own, and the library's other two modules.
pub(crate) fn modules_json(module: &Path, directory: &Path, parameters: &[(&str, &str)]) -> Value {
    let mut modules: Value =
        serde_json::from_str(include_str!("../../mesos-agent-modules.json.example")).unwrap();
    let library = &mut modules["libraries"][0];
    library["file"] = json!(module);
    let list = library["modules"].as_array_mut().unwrap();
    let state = directory.join("state");
    let pairs = list[0]["parameters"].as_array_mut().unwrap();
    for (key, value) in [("state_path_dir", state.to_str().unwrap())]
        .iter()
        .chain(parameters)
    {
        pairs.retain(|pair| pair["key"] != *key);
        pairs.push(json!({"key": key, "value": value}));
    }
    list.push(json!({"name": "com_mesosphere_StatsResourceEstimatorModule"}));
    list.push(json!({"name": "com_mesosphere_StatsEnvHook"}));
    modules
}
