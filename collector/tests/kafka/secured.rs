//! A real broker that wants TLS and a password.

use crate::node::{Node, lists};
use crate::reader::Reader;
use crate::{SOON, topic};
use stats_kafka::local::new_topic;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A broker with one listener for anybody and one for those who log in over TLS. Stopped when dropped.
struct Secured {
    files: TempDir,
    open: String,
    secured: String,
}

/// What `kafka.sh` exits with when Java or Maven is missing.
const MISSING: i32 = 3;

impl Secured {
    /// None, with a word why, if this machine cannot run one.
    fn launch() -> Option<Self> {
        let files = TempDir::new().unwrap();
        certificate(files.path(), "broker")?;
        // The controller gets the port after the first one, on another address.
        let [port, secured] = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
        let [port, secured] = [port, secured].map(|listener| listener.local_addr().unwrap().port());
        let controller = port + 1;
        let keys = files.path().join("broker.pem").display().to_string();
        let properties = files.path().join("more.properties");
        let text = format!(
            "listeners=BROKER://127.0.0.1:{port},SECURED://127.0.0.1:{secured},CONTROLLER://127.0.0.2:{controller}\n\
             advertised.listeners=BROKER://127.0.0.1:{port},SECURED://localhost:{secured}\n\
             listener.security.protocol.map=BROKER:PLAINTEXT,SECURED:SASL_SSL,CONTROLLER:PLAINTEXT\n\
             listener.name.secured.ssl.keystore.type=PEM\n\
             listener.name.secured.ssl.keystore.location={keys}\n\
             listener.name.secured.sasl.enabled.mechanisms=PLAIN\n\
             listener.name.secured.plain.sasl.jaas.config=\
             org.apache.kafka.common.security.plain.PlainLoginModule required user_collector=\"right\";\n"
        );
        fs::write(&properties, text).unwrap();
        let output = script()
            .arg("start")
            .arg(files.path().join("broker"))
            .arg(port.to_string())
            .env("KAFKA_PROPERTIES", properties)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if output.status.code() == Some(MISSING) {
            eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        assert!(output.status.success(), "{output:?}");
        Some(Self {
            files,
            open: format!("127.0.0.1:{port}"),
            secured: format!("localhost:{secured}"),
        })
    }

    /// A collector with this password that trusts this certificate and was sent ten lists.
    fn node(&self, name: &str, password: &str, certificate: &str) -> Node {
        let file = self.files.path().join("password");
        fs::write(&file, format!("{password}\n")).unwrap();
        let arguments = [
            "--kafka-security-protocol=sasl_ssl".to_owned(),
            "--kafka-username=collector".to_owned(),
            format!("--kafka-password-file={}", file.display()),
            format!(
                "--kafka-ca-file={}",
                self.files.path().join(certificate).display()
            ),
            SOON.to_owned(),
            // The broker listens on IPv4 only.
            "--kafka-property=broker.address.family=v4".to_owned(),
        ];
        let node = Node::start(&self.secured, &[&topic(name)[..], &arguments].concat());
        node.send(&lists("t", 0, 10));
        node
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        let status = script()
            .arg("stop")
            .arg(self.files.path().join("broker"))
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }
}

fn script() -> Command {
    let tree = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    Command::new(tree.join("../examples/local-stack/kafka.sh"))
}

/// A certificate for localhost that signs itself, NAME.crt, and the same with its key, NAME.pem.
fn certificate(folder: &Path, name: &str) -> Option<()> {
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
        ])
        .arg("-keyout")
        .arg(file("key"))
        .arg("-out")
        .arg(file("crt"))
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: openssl is not installed; on Debian: apt-get install openssl");
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    let both = [fs::read(file("key")).unwrap(), fs::read(file("crt")).unwrap()].concat();
    fs::write(file("pem"), both).unwrap();
    Some(())
}

#[test]
fn tls_and_password() {
    let Some(broker) = Secured::launch() else { return };
    let name = new_topic();
    let node = broker.node(&name, "right", "broker.crt");
    let mut reader = Reader::new(&broker.open, &name);
    assert_eq!(reader.records(10), lists("t", 0, 10));
    assert_eq!(node.end()["sinks"]["kafka"]["records_written"], 10);

    // Somebody else's certificate for the same name.
    certificate(broker.files.path(), "other").unwrap();
    for (password, certificate) in [("wrong", "broker.crt"), ("right", "other.crt")] {
        let balance = broker.node(&name, password, certificate).end();
        let dropped = &balance["sinks"]["kafka"]["records_dropped"];
        assert_eq!(*dropped, serde_json::json!({"shutdown": 10}), "{balance}");
    }
}
