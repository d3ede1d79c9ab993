//! Containers that Docker runs. Mesos tells of them through hooks only: when one is launched, and when its executor is gone.
//! After a restart it lists them nowhere, so that what is known of them is in their state files, and what became of them
//! meanwhile, in the agent's own records.

use crate::container::{Container, ContainerId};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Which container an executor runs in; an executor runs in one at a time.
#[derive(Default)]
pub(super) struct DockerContainers {
    of: HashMap<Executor, ContainerId>,
}

#[derive(Eq, Hash, PartialEq)]
struct Executor {
    framework_id: String,
    id: String,
}

impl DockerContainers {
    /// Remembers an executor's container. The one it had before, if that is another.
    pub(super) fn insert(&mut self, container: &Container) -> Option<ContainerId> {
        let executor = Executor {
            framework_id: container.framework_id.clone(),
            id: container.executor_id.clone(),
        };
        self.of
            .insert(executor, container.id.clone())
            .filter(|before| *before != container.id)
    }

    pub(super) fn remove(&mut self, framework_id: &str, executor_id: &str) -> Option<ContainerId> {
        self.of.remove(&Executor {
            framework_id: framework_id.to_owned(),
            id: executor_id.to_owned(),
        })
    }
}

/// The id in the name of a Docker container: `mesos-<id>`, from 0.23 to 1.3 `mesos-<agent's id>.<id>`, either perhaps with
/// `.executor` behind. Of a name of another form, all of it.
pub(super) fn container_id(name: &str) -> &str {
    let Some(ids) = name.strip_prefix("mesos-") else {
        return name;
    };
    let ids = ids.strip_suffix(".executor").unwrap_or(ids);
    ids.split_once('.').map_or(ids, |(_, id)| id)
}

/// A sandbox without symbolic links. Where its path has a colon, Mesos gives Docker a link to it.
pub(super) fn real_path(sandbox: &str) -> String {
    match fs::canonicalize(sandbox) {
        Ok(path) => path.to_string_lossy().into_owned(),
        Err(_) => sandbox.to_owned(),
    }
}

/// Whether a restarted agent will still know the container whose sandbox this is, and so tell of its end.
///
/// Beside a sandbox, `<work_dir>/slaves/<run>`, the agent keeps records of the run in `<work_dir>/meta/slaves/<run>` if the
/// framework checkpoints, and there the file `executor.sentinel` when it is over. Without records the container is killed.
pub(super) fn is_alive(sandbox: &str) -> bool {
    match sandbox.rsplit_once("/slaves/") {
        Some((work_dir, run)) => {
            let records = Path::new(work_dir).join("meta/slaves").join(run);
            records.is_dir() && !records.join("executor.sentinel").exists()
        }
        None => Path::new(sandbox).is_dir(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_names() {
        for (name, id) in [
            ("mesos-4d0c", "4d0c"),
            ("mesos-4d0c.executor", "4d0c"),
            ("mesos-20e3-S0.4d0c", "4d0c"),
            ("mesos-20e3-S0.4d0c.executor", "4d0c"),
            ("other", "other"),
            ("mesos-", ""),
            ("", ""),
        ] {
            assert_eq!(container_id(name), id, "{name}");
        }
    }

    #[test]
    fn an_executor_has_one_container() {
        let container = |id: &str| Container {
            id: ContainerId::new(id),
            framework_id: "f".to_owned(),
            executor_id: "e".to_owned(),
        };
        let mut containers = DockerContainers::default();
        assert_eq!(containers.insert(&container("a")), None);
        assert_eq!(containers.insert(&container("a")), None);
        assert_eq!(containers.insert(&container("b")), Some(ContainerId::new("a")));
        assert_eq!(containers.remove("f", "other"), None);
        assert_eq!(containers.remove("f", "e"), Some(ContainerId::new("b")));
        assert_eq!(containers.remove("f", "e"), None);
    }

    #[test]
    fn records_tell_whether_a_container_is_alive() {
        let work_dir = tempfile::tempdir().unwrap();
        let run = "slaves/s/frameworks/f/executors/e/runs/c";
        let sandbox = work_dir.path().join(run);
        fs::create_dir_all(&sandbox).unwrap();
        let sandbox = sandbox.to_str().unwrap();
        assert!(!is_alive(sandbox));
        let records = work_dir.path().join("meta").join(run);
        fs::create_dir_all(&records).unwrap();
        assert!(is_alive(sandbox));
        fs::write(records.join("executor.sentinel"), "").unwrap();
        assert!(!is_alive(sandbox));
        assert!(is_alive(work_dir.path().to_str().unwrap()));
        assert!(!is_alive(work_dir.path().join("x").to_str().unwrap()));
    }

    #[test]
    fn links_to_sandboxes_are_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (sandbox, link) = (directory.path().join("a:b"), directory.path().join("link"));
        fs::create_dir(&sandbox).unwrap();
        std::os::unix::fs::symlink(&sandbox, &link).unwrap();
        assert_eq!(
            real_path(link.to_str().unwrap()),
            fs::canonicalize(&sandbox).unwrap().to_str().unwrap()
        );
        assert_eq!(real_path("/no/such"), "/no/such");
    }
}
