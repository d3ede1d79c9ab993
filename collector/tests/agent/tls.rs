//! Which certificates of an agent are accepted.

use crate::settings;
use stats_collector::agent::check;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// An HTTPS server of OpenSSL that answers with files. Killed when dropped.
struct Secure {
    server: Child,
    port: String,
}

impl Secure {
    fn start(directory: &Path, certificate: &Path) -> Self {
        let mut server = Command::new("openssl")
            .args([
                "s_server",
                "-accept",
                "127.0.0.1:0",
                "-WWW",
                "-naccept",
                "100",
                "-cert",
            ])
            .arg(certificate)
            .arg("-key")
            .arg(certificate.with_extension("key"))
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        let line = loop {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "openssl s_server ended");
            if line.starts_with("ACCEPT") {
                break line;
            }
        };
        // It says what it does, and must not be stopped by that.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let port = line.trim().rsplit(':').next().unwrap().to_owned();
        Self { server, port }
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Makes a certificate for `host` that vouches for itself.
fn certificate(directory: &Path, name: &str, host: &str) -> PathBuf {
    let path = directory.join(format!("{name}.pem"));
    let output = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=agent",
        ])
        .args(["-addext", &format!("subjectAltName={host}"), "-out"])
        .arg(&path)
        .arg("-keyout")
        .arg(path.with_extension("key"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    path
}

#[test]
fn only_a_trusted_certificate_for_this_host_is_accepted() {
    if Command::new("openssl").arg("version").output().is_err() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: openssl is not installed; on Debian: apt-get install openssl"
        );
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    std::fs::write(directory.join("state"), include_str!("state.json")).unwrap();
    let good = certificate(directory, "good", "IP:127.0.0.1");
    let of_another_host = certificate(directory, "of-another-host", "IP:127.0.0.2,DNS:agent");
    for (served, trusted, accepted) in [
        (&good, Some(&good), true),
        (&good, Some(&of_another_host), false),
        (&good, None, false),
        (&of_another_host, Some(&of_another_host), false),
    ] {
        let server = Secure::start(directory, served);
        let url = format!("https://127.0.0.1:{}", server.port);
        let mut arguments = vec![format!("--agent-url={url}")];
        arguments.extend(trusted.map(|path| format!("--agent-ca-file={}", path.display())));
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let result = check(&settings(&arguments)).map_err(|error| error.to_string());
        match result {
            Ok(id) => assert!(accepted && id.ends_with("-S1"), "{served:?} {trusted:?}"),
            Err(error) => {
                assert!(
                    !accepted && error.starts_with(&format!("GET {url}/state: ")),
                    "{error}"
                );
                assert!(error.contains("certificate verify failed"), "{error}");
            }
        }
    }
}
