//! Tasks, and what they do when a test says so.

use crate::eventually;
use crate::lines::Lines;
use crate::node::Node;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a task runs: `task.sh DIRECTORY NAME`. It leaves its environment and its file descriptors in files, sends each line of
/// a pipe to its endpoint and ends with the pipe. That nobody listened to a line, the kernel says when the next one is sent,
/// which it does not send then: it is sent again, and the one before is noted in a file.
const SCRIPT: &str = r#"
{ env; echo "SANDBOX=$(pwd -P)"; } > "$1/$2.new"
readlink /proc/$$/fd/* > "$1/$2.descriptors"
exec 3< "$1/$2.pipe"
exec 4> "/dev/udp/$STATSD_UDP_HOST/$STATSD_UDP_PORT"
mv "$1/$2.new" "$1/$2.environment"
while read -r line <&3; do
  until printf %s "$line" >&4; do echo "$before" >> "$1/$2.refused"; done
  before=$line
done
"#;

/// The test's end of a task. When it is dropped, the task ends.
pub(crate) struct Task {
    pub(crate) name: String,
    directory: PathBuf,
    pipe: File,
}

/// Whose a container is; as Mesos has it in the path of the sandbox.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Identity {
    pub(crate) framework_id: String,
    pub(crate) executor_id: String,
    pub(crate) container_id: String,
}

impl Task {
    /// A task that is yet to be launched.
    pub(crate) fn new(node: &Node, name: &str) -> Self {
        let directory = node.directory().to_owned();
        fs::write(directory.join("task.sh"), SCRIPT).unwrap();
        let path = directory.join(format!("{name}.pipe"));
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        // Opened for reading too, it needs no reader yet.
        let pipe = OpenOptions::new().read(true).write(true).open(path).unwrap();
        Self {
            name: name.to_owned(),
            directory,
            pipe,
        }
    }

    /// The command to launch it with.
    pub(crate) fn command(&self) -> String {
        let directory = self.directory.display();
        format!("exec bash {directory}/task.sh {directory} {}", self.name)
    }

    /// Lets the task send this to its endpoint, as one datagram.
    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.pipe, "{line}").unwrap();
    }

    /// The lines that reached nobody, as far as the kernel has said so.
    pub(crate) fn refused(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file("refused")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until the task runs; its environment.
    pub(crate) fn environment(&self) -> HashMap<String, String> {
        let path = self.file("environment");
        let text = eventually(&format!("task {} runs", self.name), || {
            fs::read_to_string(&path).ok()
        });
        text.lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// What its file descriptors pointed to when it began.
    pub(crate) fn descriptors(&self) -> Vec<String> {
        self.environment();
        let text = fs::read_to_string(self.file("descriptors")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The port of its endpoint.
    pub(crate) fn port(&self) -> u16 {
        let environment = self.environment();
        assert_eq!(environment["STATSD_UDP_HOST"], "127.0.0.1");
        environment["STATSD_UDP_PORT"].parse().unwrap()
    }

    pub(crate) fn identity(&self) -> Identity {
        let environment = self.environment();
        let path: Vec<_> = Path::new(&environment["SANDBOX"])
            .iter()
            .map(|part| part.to_str().unwrap())
            .collect();
        let after = |folder: &str| {
            let place = path.iter().rposition(|part| *part == folder)?;
            Some(path[place + 1].to_owned())
        };
        Identity {
            framework_id: after("frameworks").unwrap(),
            executor_id: after("executors").unwrap(),
            container_id: after("containers").or_else(|| after("runs")).unwrap(),
        }
    }

    /// As in a TaskInfo of Mesos.
    pub(crate) fn info(&self) -> Value {
        let scalar = |name, value| json!({"name": name, "type": "SCALAR", "scalar": {"value": value}});
        json!({
            "name": self.name,
            "task_id": {"value": self.name},
            "agent_id": {"value": ""},
            "resources": [scalar("cpus", 0.01), scalar("mem", 32.0)],
            "command": {"value": self.command()},
        })
    }

    fn file(&self, kind: &str) -> PathBuf {
        self.directory.join(format!("{}.{kind}", self.name))
    }
}

/// A framework with what it launches, a running `mesos-execute`; killed when dropped.
pub(crate) struct Execution {
    child: Child,
    updates: Lines,
}

impl Execution {
    /// Launches one task by a command line.
    pub(crate) fn command_task(node: &Node, task: &Task, flags: &[&str]) -> Self {
        let mut arguments = vec![
            format!("--name={}", task.name),
            format!("--command={}", task.command()),
        ];
        arguments.push("--resources=cpus:0.1;mem:32".to_owned());
        arguments.extend(flags.iter().map(|&flag| flag.to_owned()));
        Self::start(node, &arguments)
    }

    /// Launches tasks together, in one executor.
    pub(crate) fn task_group(node: &Node, infos: &[Value]) -> Self {
        Self::start(node, &[format!("--task_group={}", json!({"tasks": infos}))])
    }

    fn start(node: &Node, arguments: &[String]) -> Self {
        let mut child = Command::new(&node.mesos.execute)
            .arg(format!("--master={}", node.master_address))
            .args(arguments)
            .env("LIBPROCESS_IP", "127.0.0.1")
            .current_dir(node.directory())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let updates = Lines::follow("mesos-execute", child.stdout.take().unwrap());
        Self { child, updates }
    }

    /// Waits until Mesos has told the framework of this.
    pub(crate) fn wait_for(&self, update: &str, task: &Task) {
        self.updates
            .wait_for_text(&format!("status update {update} for task '{}'", task.name));
    }

    /// Waits until all tasks have ended well.
    pub(crate) fn finish(mut self) {
        let updates = self.updates.wait_for_end();
        assert!(self.child.wait().unwrap().success(), "{updates:?}");
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
