//! Programs of others that may be installed.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program's path; None, with a word about it, if it is not installed.
pub(crate) fn find(program: &str, package: &str) -> Option<String> {
    let path = ["/usr/bin", "/usr/sbin", "/usr/local/bin"]
        .map(|folder| format!("{folder}/{program}"))
        .into_iter()
        .find(|path| Path::new(path).exists());
    if path.is_none() {
        eprintln!("skipped: {program} is not installed; on Debian: apt-get install {package}");
    }
    path
}

/// Ports nobody listens on at the moment.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// A running program. Killed when dropped.
pub(crate) struct Server(Child);

impl Server {
    /// Starts it and waits until something accepts connections on `port`.
    pub(crate) fn start(command: &mut Command, port: u16) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self(child);
        let until = Instant::now() + Duration::from_secs(120);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(server.0.try_wait().unwrap().is_none(), "{command:?} ended");
            assert!(Instant::now() < until, "{command:?} does not listen on {port}");
            // There is no event to wait for in another program.
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Asks it to end and waits until it has.
    pub(crate) fn stop(mut self) {
        let status = Command::new("kill")
            .arg(self.0.id().to_string())
            .status()
            .unwrap();
        assert!(status.success());
        self.0.wait().unwrap();
    }

    /// Ends it at once.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _killed = self.0.kill();
        let _waited = self.0.wait();
    }
}
