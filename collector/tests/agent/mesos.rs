//! A real agent with a real task.

use crate::{PATIENCE, poll};
use stats_collector::agent::AgentState;
use stats_schema::TagRef;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// Where Mesos may be, as in the tests of the module.
const PREFIXES: [&str; 4] = ["/opt/mesos", "/usr/local", "/usr", "/opt/mesosphere"];

/// The programs of Mesos. Without them it says so: the test is skipped.
fn programs() -> Option<[PathBuf; 3]> {
    let prefixes = match env::var("MESOS_PREFIX") {
        Ok(prefix) => vec![prefix],
        Err(_) => PREFIXES.map(str::to_owned).to_vec(),
    };
    let program = |name: &str| {
        let folders =
            |prefix: &String| ["sbin", "bin"].map(|folder| Path::new(prefix).join(folder).join(name));
        prefixes.iter().flat_map(folders).find(|path| path.is_file())
    };
    let found = [
        program("mesos-master"),
        program("mesos-agent"),
        program("mesos-execute"),
    ];
    if let [Some(master), Some(agent), Some(execute)] = found {
        return Some([master, agent, execute]);
    }
    // Not by eprintln, which the test runner hides for tests that pass.
    let _ = writeln!(
        std::io::stderr(),
        "skipped: there is no Mesos in {}; MESOS_PREFIX may name another prefix",
        prefixes.join(", ")
    );
    None
}

/// A program whose stderr is followed. Killed when dropped.
struct Running {
    child: Child,
    log: Receiver<String>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        for (variable, _) in env::vars_os() {
            // A flag of Mesos may come by a variable too, which is not what is tested.
            if ["MESOS_", "LIBPROCESS_"]
                .iter()
                .any(|prefix| variable.to_string_lossy().starts_with(prefix))
            {
                command.env_remove(variable);
            }
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // Read to the end, or the program would stop when the pipe is full.
                let _ = sender.send(line);
            }
        });
        Self { child, log }
    }

    fn wait_for(&self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let line = self
                .log
                .recv_timeout(until.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|_| panic!("{text:?} did not come"));
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The tags of `container`, as `key=value`.
fn tags(state: &AgentState, container: &str) -> Vec<String> {
    let tags = state.added_tags(&[TagRef {
        key: "container_id",
        value: container,
    }]);
    tags.iter()
        .map(|tag| format!("{}={}", tag.key, tag.value))
        .collect()
}

#[test]
fn a_real_agent_is_understood() {
    let Some([master, agent, execute]) = programs() else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let folder = |name: &str| directory.path().join(name).display().to_string();
    let common = ["--ip=127.0.0.1", "--hostname=localhost", "--port=0"];
    let master = Running::start(
        Command::new(master)
            .args(common)
            .arg("--registry=in_memory")
            .arg("--allocation_interval=100ms")
            .arg(format!("--work_dir={}", folder("master"))),
    );
    let started = master.wait_for(" started on ");
    let master_address = format!("--master={}", started.rsplit(' ').next().unwrap());
    let agent = Running::start(
        Command::new(agent)
            .args(common)
            .args([
                "--launcher=posix",
                "--isolation=posix/cpu,posix/mem",
                "--no-systemd_enable_support",
            ])
            .args([
                "--containerizers=mesos",
                "--resources=cpus:2;mem:1024;disk:1024;ports:[31000-31100]",
            ])
            .arg("--registration_backoff_factor=50ms")
            .arg(&master_address)
            .arg(format!("--work_dir={}", folder("agent")))
            .arg(format!("--runtime_dir={}", folder("runtime"))),
    );
    let started = agent.wait_for(")@127.0.0.1:");
    let url = format!(
        "--agent-url=http://127.0.0.1:{}",
        started.rsplit(':').next().unwrap()
    );
    agent.wait_for("Registered with master");
    let task = Running::start(Command::new(execute).arg(&master_address).args([
        "--name=sleeper",
        "--command=sleep 1000",
        "--resources=cpus:0.1;mem:32",
    ]));

    for api in ["--agent-api=rest", "--agent-api=v1"] {
        let polled = poll(&[&url, api, "--agent-poll-period=1"]);
        let until = Instant::now() + PATIENCE;
        let state = loop {
            let state = polled.states.recv_timeout(PATIENCE).unwrap();
            if state.frameworks() == 1 {
                break state;
            }
            assert!(Instant::now() < until, "the task does not start");
        };
        assert_eq!(state.hostname(), "localhost");
        assert!(state.agent_id().ends_with("-S0"), "{}", state.agent_id());
        // A list of the container, measured after the state in which it appeared.
        let list = loop {
            let lists = polled.lists.recv_timeout(PATIENCE).unwrap();
            if let Some(list) = lists.into_iter().find(|list| list.topic != "agent") {
                break list;
            }
            assert!(Instant::now() < until, "there are no metrics of the container");
        };
        let value = |key: &str| list.tags.iter().find(|tag| tag.key == key).unwrap().value.clone();
        assert_eq!(
            (value("framework_id"), value("executor_id")),
            (list.topic.clone(), "sleeper".to_owned())
        );
        let container = value("container_id");
        loop {
            let state = polled.states.recv_timeout(PATIENCE).unwrap();
            let tags = tags(&state, &container);
            if tags.contains(&"task_name=sleeper".to_owned()) {
                assert!(tags.contains(&"task_id=sleeper".to_owned()), "{tags:?}");
                assert!(state.knows(&container));
                break;
            }
            assert!(Instant::now() < until, "{container} has no task: {tags:?}");
        }
        let names: Vec<_> = list
            .datapoints
            .iter()
            .map(|datapoint| datapoint.name.as_str())
            .collect();
        for name in ["mem_rss_bytes", "mem_limit_bytes", "cpus_user_time_secs"] {
            assert!(
                names.contains(&format!("dcos.metrics.container.{name}").as_str()),
                "{names:?}"
            );
        }
        assert_eq!(polled.counters.query_failures.get(), 0);
        assert_eq!(polled.counters.query_bad_data.get(), 0);
    }
    // The executor ends with its agent, because the framework does not checkpoint.
    drop((task, agent, master));
}
