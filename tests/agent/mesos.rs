//! Which Mesos there is, and what of ours is tested with it.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PREFIXES: [&str; 4] = ["/opt/mesos", "/usr/local", "/usr", "/opt/mesosphere"];

/// An installed Mesos with the module built for it, and the collector.
pub(crate) struct Mesos {
    pub(crate) master: PathBuf,
    pub(crate) agent: PathBuf,
    pub(crate) execute: PathBuf,
    pub(crate) module: PathBuf,
    pub(crate) collector: PathBuf,
}

impl Mesos {
    /// The Mesos in `MESOS_PREFIX`, or else in the usual places. Without one it says so: the test is skipped.
    pub(crate) fn find() -> Option<&'static Self> {
        static FOUND: OnceLock<Result<Mesos, String>> = OnceLock::new();
        match FOUND.get_or_init(Self::look) {
            Ok(mesos) => Some(mesos),
            Err(reason) => {
                // Not by eprintln, which the test runner hides for tests that pass.
                let _ = writeln!(std::io::stderr(), "skipped: no Mesos: {reason}");
                None
            }
        }
    }

    fn look() -> Result<Self, String> {
        let prefixes = match env::var("MESOS_PREFIX") {
            Ok(prefix) => vec![prefix],
            Err(_) => PREFIXES.map(str::to_owned).to_vec(),
        };
        let program = |name: &str| {
            prefixes
                .iter()
                .flat_map(|prefix| ["sbin", "bin"].map(|folder| Path::new(prefix).join(folder).join(name)))
                .find(|path| path.is_file())
                .ok_or_else(|| {
                    format!(
                        "there is no {name} in {}; MESOS_PREFIX may name another prefix",
                        prefixes.join(", ")
                    )
                })
        };
        Ok(Self {
            master: program("mesos-master")?,
            agent: program("mesos-agent").or_else(|_| program("mesos-slave"))?,
            execute: program("mesos-execute")?,
            module: module()?,
            collector: collector(),
        })
    }
}

/// The library that `STATS_MODULE` names, or one built now.
fn module() -> Result<PathBuf, String> {
    if let Some(path) = env::var_os("STATS_MODULE").map(PathBuf::from) {
        assert!(path.is_file(), "STATS_MODULE={} is no file", path.display());
        return Ok(path);
    }
    let path = target_directory().join("debug/libstats-slave.so");
    let output = run(Command::new("cpp/build.sh").arg(&path));
    if path.is_file() {
        Ok(path)
    } else {
        Err(output.trim().to_owned())
    }
}

fn collector() -> PathBuf {
    run(Command::new(env!("CARGO")).args(["build", "-p", "dcos-stats-collector", "--bins"]));
    target_directory().join("debug/dcos-stats-collector")
}

/// Where this test was compiled; its parts are used again.
fn target_directory() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// Runs a build; what it prints.
fn run(command: &mut Command) -> String {
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", target_directory())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
