//! Ends all that a test has started, even if the test's own process is killed.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Executors leave the process group of their agent, and outlive it. But all that runs for a test runs in the test's
/// directory, so what runs there is ended; after that the directory is removed. A kill may come too late for the child of the
/// process that is killed, hence several rounds.
const SWEEP: &str = r#"
cat
round=0
found=1
while [ "$found" ] && [ "$round" -lt 100 ]; do
  found=
  round=$((round + 1))
  for process in /proc/[0-9]*; do
    case $(readlink "$process/cwd") in
      "$1" | "$1"/*) found=1; kill -9 "${process#/proc/}" ;;
    esac
  done
done
rm -rf "$1"
"#;

/// A process that waits for the end of its stdin, which comes when this is dropped or when the test's process is gone.
pub(crate) struct Sweeper {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Sweeper {
    pub(crate) fn of(directory: &Path) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", SWEEP, "sweeper"])
            .arg(directory)
            .current_dir("/")
            // Not reached by the terminal's Ctrl-C.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        Self { child, stdin }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.stdin.take();
        let _ = self.child.wait();
    }
}
