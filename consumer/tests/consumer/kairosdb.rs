//! A real KairosDB, which Maven gets; Debian has none.

use crate::installed::{Server, free_ports};
use crate::messages::{TAGS, TIME_MS, gauge, message, numbered};
use crate::program::{PATIENCE, Program, command};
use serde_json::{Value, json};
use stats_kafka::local::{Broker, new_topic};
use stats_schema::MetricType;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use tempfile::TempDir;

struct KairosDb {
    files: TempDir,
    jars: String,
    port: u16,
}

impl KairosDb {
    /// None, with a word why, if this machine cannot run one.
    fn new() -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consumer/kairosdb.sh");
        let output = Command::new(script).output().unwrap();
        if !output.status.success() {
            eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        let jars = String::from_utf8(output.stdout).unwrap().trim_end().to_owned();
        let files = TempDir::new().unwrap();
        let folder = files.path().display();
        let [port, telnet] = free_ports();
        // Everything else as packaged: its own store is H2.
        let config = format!(
            "kairosdb: {{\n  jetty: {{ address: \"127.0.0.1\", port: {port} }}\n  \
             telnetserver: {{ address: \"127.0.0.1\", port: {telnet} }}\n  \
             datastore.h2.database_path: \"{folder}/h2\"\n  query_cache.cache_dir: \"{folder}/cache\"\n}}\n"
        );
        std::fs::write(files.path().join("kairosdb.conf"), config).unwrap();
        // It logs everything unless told otherwise, which makes it slow.
        let quiet = "<configuration><root level=\"OFF\"/></configuration>";
        std::fs::write(files.path().join("logback.xml"), quiet).unwrap();
        Some(Self { files, jars, port })
    }

    fn start(&self) -> Server {
        let logback = self.files.path().join("logback.xml");
        let mut java = Command::new("java");
        // Its Guice is older than Java 17.
        java.args([
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "--add-opens",
            "java.base/java.lang=ALL-UNNAMED",
        ])
        .arg(format!("-Dlogback.configurationFile={}", logback.display()))
        .args([
            "-cp",
            &format!("{}/*", self.jars),
            "org.kairosdb.core.Main",
            "-c",
            "run",
            "-p",
        ])
        .arg(self.files.path().join("kairosdb.conf"))
        .current_dir(self.files.path());
        Server::start(&mut java, self.port)
    }

    /// Everything stored under these names: name, tags, and values with their times.
    fn query(&self, names: &[&str]) -> Vec<Value> {
        let metrics = names.iter().map(|name| json!({"name": name}));
        let query = json!({"start_absolute": 0, "metrics": metrics.collect::<Vec<_>>()}).to_string();
        let url = format!("http://127.0.0.1:{}/api/v1/datapoints/query", self.port);
        let mut answer = ureq::post(url).send(&query).unwrap();
        let answer = answer.body_mut().read_to_string().unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let results = answer["queries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|query| &query["results"][0]);
        results
            .map(|result| json!([result["name"], result["tags"], result["values"]]))
            .collect()
    }

    /// It answers before it has stored what it took.
    fn wait_until_stored(&self, expected: &[Value]) {
        let names: Vec<_> = expected
            .iter()
            .map(|series| series[0].as_str().unwrap())
            .collect();
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.query(&names);
            if found == expected {
                return;
            }
            assert!(Instant::now() < until, "{found:?}");
            // There is no event to wait for in another program.
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
}

fn consume(broker: &Broker, topic: &str, kairos: &KairosDb) -> Program {
    Program::start(
        command(&broker.address(), topic)
            .args(["kairos", "--output-host=127.0.0.1"])
            .env("OUTPUT_PORT", kairos.port.to_string())
            .env("FLUSH_THRESHOLD", "150"),
    )
}

/// What KairosDB has of a metric of a list with these tags.
fn series(name: &str, tags: &[(&str, &str)], values: &[Value]) -> Value {
    let tags = tags
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!([value])));
    json!([name, serde_json::Map::from_iter(tags), values])
}

#[test]
fn kairosdb_stores_numbers_and_texts_and_nothing_is_lost_while_it_is_away() {
    let Some(kairos) = KairosDb::new() else { return };
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    let server = kairos.start();
    let mut set = gauge("members", 2);
    (set.metric_type, set.text) = (MetricType::Set, Some("bob \"b\""));
    let mut delta = gauge("level", 3);
    delta.metric_type = MetricType::GaugeDelta;
    let mut nan = gauge("nan", 4);
    nan.value = f64::NAN;
    let odd = [("a:b", "c=d"), ("empty", ""), ("ü", "\"ß\"")];
    let mut messages = numbered(0, 10, 50);
    messages.push(message(&TAGS, &[gauge("x:y", 1), set, delta, nan, gauge("", 5)]));
    messages.push(message(&odd, &[gauge("odd", 6)]));
    messages.push(message(&[], &[gauge("without.tags", 7)]));
    broker.produce(&topic, messages);
    let program = consume(&broker, &topic, &kairos);
    program.wait_for("the counts", |line| {
        let counts = [" delivered=506 ", " not_finite=1 ", " refused=0 "];
        line.contains("STATS TOTAL") && counts.iter().all(|count| line.contains(count))
    });
    let one = |number: i64| json!([TIME_MS + number * 100, number]);
    let numbers = |last| (0..last).map(one).collect::<Vec<_>>();
    let others = [
        series("x_y", &TAGS, &[one(1)]),
        series("members", &TAGS, &[json!([TIME_MS + 200, "bob \"b\""])]),
        series("level.delta", &TAGS, &[one(3)]),
        series("_", &TAGS, &[one(5)]),
        series("odd", &[("a_b", "c_d"), ("ü", "\"ß\"")], &[one(6)]),
        series("without.tags", &[("topic", "f.1")], &[one(7)]),
    ];
    let all = |last| [&[series("n", &TAGS, &numbers(last))], &others[..]].concat();
    kairos.wait_until_stored(&all(500));

    server.stop();
    broker.produce(&topic, numbered(500, 4, 50));
    program.wait_for("a word about it", |line| line.contains("trying again in 1 s"));
    let _server = kairos.start();
    program.wait_for_total("delivered", 706);
    assert_eq!(program.terminate().code(), Some(0));
    kairos.wait_until_stored(&all(700));
}
