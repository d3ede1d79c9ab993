//! Faults of the process with the module, and of its disk.

use super::{Outcome, Scale, finish, nothing_missing, quiet, with_kafka};
use crate::Failure;
use crate::clock::pause;
use crate::path::Path;
use std::fs;
use std::path::Path as Folder;
use std::process::Command;
use tempfile::TempDir;

pub(super) fn killed(scale: Scale) -> Result<Outcome, Failure> {
    let (plan, _broker) = with_kafka(scale);
    let mut path = Path::start(plan)?;
    for _ in 0..scale.of(1, 5) {
        path.wait_for_arrivals()?;
        pause(scale.seconds(1, 10))?;
        path.restart_node()?;
    }
    path.wait_for_arrivals()?;
    // Past the time around the kill in which numbers may be missing.
    pause(scale.seconds(3, 10))?;
    finish(path, |_, _| ())
}

pub(super) fn disk_full(scale: Scale) -> Result<Outcome, Failure> {
    let disk = match SmallDisk::mount()? {
        Ok(disk) => disk,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    disk.fill();
    let (mut plan, _broker) = with_kafka(scale);
    let state = ("state_path_dir".to_owned(), disk.folder().display().to_string());
    plan.parameters.push(state);
    let containers = plan.containers;
    let mut path = Path::start(plan)?;
    path.wait_for_arrivals()?;
    quiet(scale)?;
    // With room again, a container gets its file.
    disk.empty();
    let mut files = 0;
    if let Some(node) = path.node() {
        let log = node.process().logged("will lose its endpoint");
        log.ok_or_else(|| {
            node.process()
                .failure("does not say that state files are missing")
        })?;
        node.register("late")?;
        files = disk.state_files();
    }
    path.wait_for_arrivals()?;
    finish(path, |identity, evidence| {
        identity.equal(
            "containers whose lines arrived",
            arrived(evidence),
            containers as u64,
        );
        identity.equal("state files once there is room", files, 1);
        nothing_missing(identity, evidence);
    })
}

fn arrived(evidence: &crate::identity::Evidence) -> u64 {
    let numbers = evidence.arrived.numbers.iter();
    numbers.filter(|numbers| !numbers.is_empty()).count() as u64
}

/// A file system of a few pages. Unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// What is missing, if this machine or user cannot mount one.
    fn mount() -> Result<Result<Self, String>, Failure> {
        let folder = TempDir::new().map_err(|error| format!("a folder to mount at: {error}"))?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "proof"])
            .arg(folder.path())
            .output();
        Ok(match mounted {
            Ok(output) if output.status.success() => Ok(Self(folder)),
            Ok(output) => Err(format!(
                "a small tmpfs cannot be mounted, which takes root: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
            Err(error) => Err(format!("mount: {error}")),
        })
    }

    fn folder(&self) -> &Folder {
        self.0.path()
    }

    fn fill(&self) {
        // What could be written of it takes all the room there is.
        let _ = fs::write(self.folder().join("filler"), vec![0; 1 << 20]);
    }

    fn empty(&self) {
        let _ = fs::remove_file(self.folder().join("filler"));
    }

    fn state_files(&self) -> u64 {
        let files = fs::read_dir(self.folder().join("containers"));
        files.map_or(0, |files| files.flatten().count() as u64)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A folder that is still mounted stays behind, which is seen.
        let _ = Command::new("umount").arg(self.folder()).status();
    }
}
