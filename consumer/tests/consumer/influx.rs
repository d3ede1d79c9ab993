//! A real InfluxDB 1.x; and the requests of 2.x, for which Debian has no package.

use crate::certificate::certificate;
use crate::installed::{Server, find, free_ports};
use crate::messages::{TIME_MS, gauge, message, numbered};
use crate::program::{Program, command};
use crate::recording_server;
use stats_kafka::local::{Broker, new_topic};
use stats_schema::MetricType;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use ureq::tls::{TlsConfig, TlsProvider};

/// Who may do everything.
const USER: &str = "metrics";
const PASSWORD: &str = "pässword:?&";

struct Influx {
    files: TempDir,
    program: String,
    port: u16,
    /// Without a path.
    url: String,
    /// For the questions of the tests, which trust it.
    agent: ureq::Agent,
}

impl Influx {
    fn new() -> Option<Self> {
        Self::configure("http", "")
    }

    /// One that speaks TLS with this certificate.
    fn secured(certificate: &Path) -> Option<Self> {
        let key = certificate.with_extension("key");
        let more = format!(
            "https-enabled = true\nhttps-certificate = \"{}\"\nhttps-private-key = \"{}\"\n",
            certificate.display(),
            key.display()
        );
        Self::configure("https", &more)
    }

    fn configure(scheme: &str, more: &str) -> Option<Self> {
        let program = find("influxd", "influxdb")?;
        let files = TempDir::new().unwrap();
        let folder = files.path().display();
        let [port, rpc] = free_ports();
        let config = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc}\"\n[meta]\ndir = \"{folder}/meta\"\n\
             [data]\ndir = \"{folder}/data\"\nwal-dir = \"{folder}/wal\"\n[http]\nbind-address = \"127.0.0.1:{port}\"\n\
             auth-enabled = true\n{more}"
        );
        std::fs::write(files.path().join("influx.conf"), config).unwrap();
        let tls = TlsConfig::builder().provider(TlsProvider::NativeTls);
        let config = ureq::Agent::config_builder().tls_config(tls.disable_verification(true).build());
        Some(Self {
            files,
            program,
            port,
            url: format!("{scheme}://127.0.0.1:{port}"),
            agent: config.build().into(),
        })
    }

    fn start(&self) -> Server {
        let config = self.files.path().join("influx.conf");
        let server = Server::start(Command::new(&self.program).arg("-config").arg(config), self.port);
        let query = self.agent.post(format!("{}/query", self.url));
        let create = format!("create user {USER} with password '{PASSWORD}' with all privileges");
        match query.query("q", create).send_empty() {
            // The first administrator may be created by anybody; after a restart it is there.
            Ok(_) | Err(ureq::Error::StatusCode(401)) => server,
            Err(error) => panic!("{error}"),
        }
    }

    /// The result of a query as JSON.
    fn query(&self, query: &str) -> serde_json::Value {
        let request = self
            .agent
            .get(format!("{}/query", self.url))
            .query("u", USER)
            .query("p", PASSWORD)
            .query("db", "stats")
            .query("epoch", "ms")
            .query("q", query);
        let answer = request.call().unwrap().body_mut().read_to_string().unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["results"][0]["series"][0]["values"].clone()
    }
}

fn consume(broker: &Broker, topic: &str, port: u16) -> Program {
    consume_with_password(broker, topic, port, PASSWORD)
}

fn consume_with_password(broker: &Broker, topic: &str, port: u16, password: &str) -> Program {
    Program::start(
        command(&broker.address(), topic)
            .args([
                "influx",
                "--output-host=127.0.0.1",
                "--measurement-name=m",
                "--output-database=stats",
            ])
            .env("OUTPUT_USERNAME", USER)
            .env("OUTPUT_PASSWORD", password)
            .env("OUTPUT_PORT", port.to_string())
            .env("BATCH_POINTS", "500"),
    )
}

#[test]
fn influx_is_killed_and_the_consumer_too_and_nothing_is_lost() {
    let Some(influx) = Influx::new() else { return };
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    broker.produce(&topic, numbered(0, 20, 100));
    let server = influx.start();
    let program = consume(&broker, &topic, influx.port);
    program.wait_for_total("delivered", 2000);
    server.kill();
    broker.produce(&topic, numbered(2000, 20, 100));
    program.wait_for("a word about it", |line| line.contains("trying again in 1 s"));
    program.kill();
    let program = consume(&broker, &topic, influx.port);
    program.wait_for("a word about it", |line| line.contains("trying again in 1 s"));
    let _server = influx.start();
    program.wait_for("the return", |line| line.contains("the backend is back"));
    broker.produce(&topic, numbered(4000, 1, 100));
    // Every datapoint has a time of its own, so that those which arrive twice are one.
    let time = TIME_MS + 4099 * 100;
    let last = format!("select n from m where time = {time}ms");
    program.wait_for("the last", |_| influx.query(&last).is_array());
    assert_eq!(program.terminate().code(), Some(0));
    let rows = influx.query("select count(n), sum(n), min(n), max(n) from m");
    let sum = 4100 * 4099 / 2;
    assert_eq!(rows, serde_json::json!([[0, 4100, sum, 0, 4099]]));
}

#[test]
fn a_wrong_password_is_a_pause_and_not_a_loss() {
    let Some(influx) = Influx::new() else { return };
    let Some(broker) = Broker::shared() else { return };
    let _server = influx.start();
    let topic = new_topic();
    broker.produce(&topic, numbered(0, 1, 3));
    let program = consume_with_password(&broker, &topic, influx.port, "wrong");
    program.wait_for("a word about it", |line| {
        line.contains("authorization failed") && line.contains("trying again in 1 s")
    });
    program.kill();
    let program = consume(&broker, &topic, influx.port);
    program.wait_for_total("delivered", 3);
    assert_eq!(program.terminate().code(), Some(0));
    let rows = influx.query("select count(n) from m");
    assert_eq!(rows, serde_json::json!([[0, 3]]));
}

#[test]
fn only_a_trusted_certificate_for_this_host_is_accepted() {
    let Some(broker) = Broker::shared() else { return };
    let folder = TempDir::new().unwrap();
    let Some(good) = certificate(folder.path(), "good", "IP:127.0.0.1") else {
        return;
    };
    let of_another_host = certificate(folder.path(), "of-another-host", "IP:127.0.0.2").unwrap();
    for (served, trusted, accepted) in [
        (&good, Some(("OUTPUT_CA_FILE", &good)), true),
        // What the system trusts.
        (&good, Some(("SSL_CERT_FILE", &good)), true),
        (&good, None, false),
        (&good, Some(("OUTPUT_CA_FILE", &of_another_host)), false),
        (
            &of_another_host,
            Some(("OUTPUT_CA_FILE", &of_another_host)),
            false,
        ),
    ] {
        let Some(influx) = Influx::secured(served) else {
            return;
        };
        let _server = influx.start();
        let topic = new_topic();
        broker.produce(&topic, numbered(0, 1, 3));
        let program = Program::start(
            command(&broker.address(), &topic)
                .args(["influx", "--measurement-name=m", "--output-database=stats"])
                .env("OUTPUT_HOST", &influx.url)
                .env("OUTPUT_USERNAME", USER)
                .env("OUTPUT_PASSWORD", PASSWORD)
                .envs(trusted),
        );
        if accepted {
            program.wait_for_total("delivered", 3);
        } else {
            program.wait_for("the reason", |line| {
                line.contains("certificate verify failed") && line.contains("trying again in 1 s")
            });
        }
        assert_eq!(program.terminate().code(), Some(0));
        let rows = influx.query("select count(n) from m");
        let expected = if accepted {
            serde_json::json!([[0, 3]])
        } else {
            serde_json::Value::Null
        };
        assert_eq!(rows, expected, "{served:?} {trusted:?}");
    }
}

#[test]
fn a_file_without_certificates_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "no certificate").unwrap();
    for path in [file.path(), Path::new("/nonexistent")] {
        let output = command("127.0.0.1:1", "none")
            .args([
                "influx",
                "--output-host=https://127.0.0.1:1",
                "--measurement-name=m",
            ])
            .args(["--output-database=d", "--output-ca-file"])
            .arg(path)
            .output()
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(
            message.contains(&format!("--output-ca-file={}: ", path.display())),
            "{message}"
        );
    }
}

#[test]
fn a_point_influx_refuses_does_not_take_others_with_it() {
    let Some(influx) = Influx::new() else { return };
    let Some(broker) = Broker::shared() else { return };
    let _server = influx.start();
    let topic = new_topic();
    let mut set = gauge("n", 2);
    (set.metric_type, set.text) = (MetricType::Set, Some("bob \"b\""));
    let mut far = gauge("n", 4);
    far.time_ms = i64::MAX;
    let mut nan = gauge("n", 5);
    nan.value = f64::NAN;
    let odd = [("framework_name", "a b,c=d\\"), ("e", "")];
    // The set's text conflicts with the number that came first; the time is out of InfluxDB's range.
    broker.produce(
        &topic,
        [
            message(&odd, &[gauge("n", 1)]),
            message(
                &odd,
                &[gauge("n", 0), set, gauge("n", 3), far, nan, gauge("n", 6)],
            ),
        ],
    );
    let program = consume(&broker, &topic, influx.port);
    program.wait_for_total("delivered", 4);
    assert_eq!(program.terminate().code(), Some(0));
    let rows = influx.query("select n, framework_name from m");
    let expected = [0, 1, 3, 6].map(|n| serde_json::json!([TIME_MS + n * 100, n, "a b,c=d_"]));
    assert_eq!(rows, serde_json::Value::from(expected.to_vec()));
}

#[test]
fn the_requests_of_2_x() {
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    broker.produce(&topic, numbered(0, 1, 3));
    // It does not like the point in the middle.
    let (port, requests) = recording_server::start(|request| match request.body.lines().count() {
        _ if !request
            .headers
            .contains(&"authorization: token secret".to_owned()) =>
        {
            (401, String::new())
        }
        3 => (400, r#"{"code":"invalid"}"#.to_owned()),
        _ if request.body.contains("n=1.0") => (400, r#"{"code":"invalid"}"#.to_owned()),
        _ => (204, String::new()),
    });
    let program = Program::start(
        command(&broker.address(), &topic)
            .args([
                "influx",
                "--measurement-name=m",
                "--output-org=my org",
                "--output-bucket=b/c",
            ])
            .env("OUTPUT_HOST", format!("http://127.0.0.1:{port}/"))
            .env("OUTPUT_TOKEN", "secret")
            .env("LOG_LEVEL", "HEADERS"),
    );
    let headers = program.wait_for("the headers", |line| line.contains("content-length"));
    assert!(!headers.contains("secret"), "{headers}");
    program.wait_for("the refusal", |line| {
        line.contains("refuses 1 datapoints: HTTP status 400: {\"code\":\"invalid\"}")
    });
    program.wait_for_total("refused", 1);
    assert_eq!(program.terminate().code(), Some(0));
    let points = |numbers: &[i64]| {
        let tags = r"m,framework_id=f.1,executor_id=e\ 1,container_id=c1,framework_name=marathon";
        let lines = numbers
            .iter()
            .map(|n| format!("{tags} n={n}.0 {}\n", TIME_MS + n * 100));
        lines.collect::<String>()
    };
    for expected in [
        points(&[0, 1, 2]),
        points(&[0]),
        points(&[1, 2]),
        points(&[1]),
        points(&[2]),
    ] {
        let request = recording_server::next(&requests);
        assert_eq!(
            request.line,
            "POST /api/v2/write?org=my%20org&bucket=b%2Fc&precision=ms HTTP/1.1"
        );
        assert_eq!(request.body, expected);
    }
}
