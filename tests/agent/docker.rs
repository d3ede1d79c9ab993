//! Tasks of the Docker containerizer, with a script in the place of the Docker client.

use crate::node::{Node, Setup};
use crate::restart::wait_for_hits;
use crate::task::{Execution, Task};
use crate::two_tasks::arrived;
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What Mesos asks of Docker. A "container" is the command with no more than the variables that `docker run` was given.
const CLIENT: &str = r#"#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    -H | --host | --config) shift 2 ;;
    --version) echo "Docker version 20.10.24, build 297e128"; exit ;;
    *) break ;;
  esac
done
case $1 in
  ps) echo "CONTAINER ID IMAGE COMMAND CREATED STATUS PORTS NAMES" ;;
  inspect)
    for name; do :; done
    cat <<END
[{"Id": "0a", "Name": "/$name", "State": {"Pid": 1, "StartedAt": "2026-01-01T00:00:00.0Z"},
  "NetworkSettings": {"IPAddress": ""}, "HostConfig": {"NetworkMode": "host"},
  "ContainerConfig": {"Entrypoint": null, "Env": null}, "Config": {"Entrypoint": null, "Env": null}}]
END
    ;;
  run)
    shift
    variables=
    while :; do
      case $1 in
        -e) variables="$variables $2"; shift 2 ;;
        -*) shift 2 ;;
        *) break ;;
      esac
    done
    shift
    # shellcheck disable=SC2086
    exec env -i PATH="$PATH" $variables sh "$@"
    ;;
esac
"#;

#[test]
fn tasks_have_endpoints_by_the_hook_and_keep_them() {
    let scripts = tempfile::tempdir().unwrap();
    let client = format!("--docker={}", client(scripts.path()).display());
    let setup = Setup {
        flags: &[
            "--containerizers=docker,mesos",
            &client,
            "--hooks=com_mesosphere_StatsEnvHook",
        ],
        ..Setup::default()
    };
    let Some(mut node) = Node::start(&setup) else {
        return;
    };
    let docker = ["--containerizer=docker", "--docker_image=busybox", "--checkpoint"];
    let mut tasks = ["one", "two"].map(|name| Task::new(&node, name));
    let executions = tasks
        .each_ref()
        .map(|task| Execution::command_task(&node, task, &docker));
    let ports: BTreeSet<_> = tasks.iter().map(Task::port).collect();
    assert_eq!(ports.len(), 2);
    node.wait_for_endpoints(&ports);
    for task in &mut tasks {
        task.send("hits:1|c");
    }
    wait_for_hits(&node, 2);
    for (task, execution) in tasks.iter().zip(&executions) {
        execution.wait_for("TASK_RUNNING", task);
    }
    node.kill_and_restart_agent();
    node.wait_for_endpoints(&ports);
    for task in &mut tasks {
        task.send("hits:2|c");
    }
    wait_for_hits(&node, 4);
    let identities = tasks.each_ref().map(Task::identity);
    drop(tasks);
    executions.into_iter().for_each(Execution::finish);
    node.wait_for_endpoints(&BTreeSet::new());
    let hits = arrived(&node.end_collector(), "hits");
    for identity in identities {
        let values: Vec<_> = hits
            .iter()
            .filter(|(of, _)| *of == identity)
            .map(|(_, value)| *value)
            .collect();
        assert_eq!(values, [1.0, 2.0]);
    }
    assert_eq!(hits.len(), 4);
}

fn client(directory: &Path) -> PathBuf {
    let path = directory.join("docker");
    fs::write(&path, CLIENT).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}
