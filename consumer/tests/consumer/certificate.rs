//! Certificates of our own.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes a certificate for `host`, such as `IP:127.0.0.1`, that vouches for itself: NAME.pem, and its key NAME.key. None, with a
/// word about it, if OpenSSL is not installed.
pub(crate) fn certificate(folder: &Path, name: &str, host: &str) -> Option<PathBuf> {
    let path = folder.join(format!("{name}.pem"));
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
            "/CN=backend",
        ])
        .args(["-addext", &format!("subjectAltName={host}"), "-out"])
        .arg(&path)
        .arg("-keyout")
        .arg(path.with_extension("key"))
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: openssl is not installed; on Debian: apt-get install openssl");
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    Some(path)
}
