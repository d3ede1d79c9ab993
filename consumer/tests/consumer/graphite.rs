//! A real Carbon, and a receiver that dies.

use crate::installed::{Server, find, free_ports};
use crate::messages::{TAGS, gauge, message, numbered};
use crate::program::{PATIENCE, Program, command};
use stats_kafka::local::{Broker, new_topic};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// Value and second of each series.
type Stored = BTreeMap<String, (f64, u64)>;

struct Carbon {
    files: TempDir,
    program: String,
    /// Lines (TCP and UDP), pickles.
    ports: [u16; 2],
    /// Where it says what it has not written yet.
    query_port: u16,
}

impl Carbon {
    /// One that writes its files as fast as it can.
    fn new() -> Option<Self> {
        Self::writing("inf")
    }

    /// One that writes at most so many series a second.
    fn writing(updates: &str) -> Option<Self> {
        let program = find("carbon-cache", "graphite-carbon")?;
        let [lines, pickles, query] = free_ports();
        let files = TempDir::new().unwrap();
        let folder = files.path().display();
        let config = format!(
            "[cache]\nSTORAGE_DIR = {folder}\nLOCAL_DATA_DIR = {folder}/whisper\nCONF_DIR = {folder}\nLOG_DIR = {folder}\n\
             PID_DIR = {folder}\nUSER =\nMAX_UPDATES_PER_SECOND = {updates}\nMAX_CREATES_PER_MINUTE = inf\n\
             LINE_RECEIVER_INTERFACE = 127.0.0.1\nLINE_RECEIVER_PORT = {lines}\nENABLE_UDP_LISTENER = True\n\
             UDP_RECEIVER_INTERFACE = 127.0.0.1\nUDP_RECEIVER_PORT = {lines}\nPICKLE_RECEIVER_INTERFACE = 127.0.0.1\n\
             PICKLE_RECEIVER_PORT = {pickles}\nCACHE_QUERY_INTERFACE = 127.0.0.1\nCACHE_QUERY_PORT = {query}\n"
        );
        std::fs::create_dir(files.path().join("whisper")).unwrap();
        std::fs::write(files.path().join("carbon.conf"), config).unwrap();
        let schemas = "[all]\npattern = .*\nretentions = 1s:1h\n";
        std::fs::write(files.path().join("storage-schemas.conf"), schemas).unwrap();
        Some(Self {
            files,
            program,
            ports: [lines, pickles],
            query_port: query,
        })
    }

    fn start(&self) -> Server {
        let config = self.files.path().join("carbon.conf");
        let mut command = Command::new(&self.program);
        command
            .arg(format!("--config={}", config.display()))
            .args(["--nodaemon", "start"]);
        Server::start(&mut command, self.ports[0])
    }

    /// Carbon writes its files some time after it took the datapoints, or never if it is ended before.
    fn wait_until_stored(&self, expected: &Stored) {
        let until = Instant::now() + PATIENCE;
        while self.stored() != *expected {
            assert!(
                Instant::now() < until,
                "{} of {} are stored",
                self.stored().len(),
                expected.len()
            );
            // There is no event to wait for in another program's files.
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Everything stored: value and second of each series.
    fn stored(&self) -> Stored {
        let read = "import os, sys, whisper\n\
                    for folder, _, files in os.walk('.'):\n\
                    \x20 for f in files:\n\
                    \x20   path = os.path.join(folder, f)\n\
                    \x20   (start, end, step), values = whisper.fetch(path, 0)\n\
                    \x20   name = path[2:-4].replace('/', '.')\n\
                    \x20   for i, v in enumerate(values):\n\
                    \x20     if v is not None: print(name, v, start + i * step)";
        // The python that Debian's packages, whisper among them, are installed for.
        let mut python = Command::new("/usr/bin/python3");
        python
            .args(["-c", read])
            .current_dir(self.files.path().join("whisper"));
        series_of(&mut python)
    }

    /// What it has of these series but not in files, asked as Graphite's web application asks: a pickle with its length before
    /// it, and the same back.
    fn cached<'a>(&self, names: impl Iterator<Item = &'a String>) -> Stored {
        let ask = "import pickle, socket, struct, sys\n\
                   carbon = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n\
                   answers = carbon.makefile('rb')\n\
                   for name in sys.argv[2:]:\n\
                   \x20 query = pickle.dumps({'type': 'cache-query', 'metric': name}, protocol=2)\n\
                   \x20 carbon.sendall(struct.pack('!L', len(query)) + query)\n\
                   \x20 length, = struct.unpack('!L', answers.read(4))\n\
                   \x20 for time, value in pickle.loads(answers.read(length))['datapoints']: print(name, value, int(time))";
        let mut python = Command::new("/usr/bin/python3");
        python.args(["-c", ask, &self.query_port.to_string()]).args(names);
        series_of(&mut python)
    }
}

/// The series a program prints, those of Carbon about itself left out.
fn series_of(program: &mut Command) -> Stored {
    let output = program.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines = output.stdout.lines().map(Result::unwrap);
    lines
        .filter(|line| !line.starts_with("carbon."))
        .map(|line| {
            let mut words = line.split(' ');
            let mut next = || words.next().unwrap();
            (
                next().to_owned(),
                (next().parse().unwrap(), next().parse().unwrap()),
            )
        })
        .collect()
}

/// `count` messages of one datapoint of the present second, each of another name, and what they come to.
fn series(first: u32, count: u32) -> (Vec<Vec<u8>>, Stored) {
    let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let one = |number| {
        let name = format!("n.{number}");
        let mut datapoint = gauge(&name, number);
        datapoint.time_ms = i64::try_from(second * 1000 + 999).unwrap();
        let stored = (format!("p.f_1.e_1.c1.{name}"), (f64::from(number), second));
        (message(&TAGS, &[datapoint]), stored)
    };
    (first..first + count).map(one).unzip()
}

fn to_carbon(protocol: &str) {
    let Some(carbon) = Carbon::new() else { return };
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    let (messages, mut expected) = series(0, 500);
    broker.produce(&topic, messages);
    let server = carbon.start();
    let port = carbon.ports[usize::from(protocol == "pickle")];
    let program = Program::start(
        command(&broker.address(), &topic)
            .args(["graphite", "--output-host=127.0.0.1", "--graphite-prefix=p"])
            .env("OUTPUT_PORT", port.to_string())
            .env("GRAPHITE_PROTOCOL", protocol),
    );
    program.wait_for_total("delivered", 500);

    carbon.wait_until_stored(&expected);
    if protocol != "UDP" {
        // What comes while Carbon is away arrives later.
        server.stop();
        let (messages, more) = series(500, 100);
        expected.extend(more);
        broker.produce(&topic, messages);
        program.wait_for("a word about it", |line| line.contains("trying again in 2 s"));
        let _server = carbon.start();
        program.wait_for_total("delivered", 600);
        carbon.wait_until_stored(&expected);
    }
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn carbon_takes_lines() {
    to_carbon("TCP");
}

#[test]
fn carbon_takes_datagrams() {
    to_carbon("UDP");
}

#[test]
fn carbon_takes_pickles() {
    to_carbon("pickle");
}

#[test]
fn carbon_answers_with_what_it_has_not_written_yet() {
    // Its files would take longer than any test.
    let Some(carbon) = Carbon::writing("1") else {
        return;
    };
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    let (messages, expected) = series(0, 500);
    broker.produce(&topic, messages);
    let _server = carbon.start();
    let program = Program::start(
        command(&broker.address(), &topic)
            .args(["graphite", "--output-host=127.0.0.1", "--graphite-prefix=p"])
            .env("OUTPUT_PORT", carbon.ports[0].to_string()),
    );
    program.wait_for_total("delivered", 500);
    let until = Instant::now() + PATIENCE;
    loop {
        let mut found = carbon.cached(expected.keys());
        found.extend(carbon.stored());
        if found == expected {
            break;
        }
        assert!(Instant::now() < until, "{} of {}", found.len(), expected.len());
        // One may be on its way to a file, and Carbon tells nobody when it gets there.
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn what_a_dying_receiver_did_not_read_is_sent_again() {
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    broker.produce(&topic, numbered(0, 10, 1000));
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let program = Program::start(
        command(&broker.address(), &topic)
            .args(["graphite", "--output-host=127.0.0.1"])
            .env("OUTPUT_PORT", listener.local_addr().unwrap().port().to_string()),
    );
    // It dies with most of the batch in its kernel, already acknowledged by TCP.
    let (mut dying, _) = listener.accept().unwrap();
    dying.read_exact(&mut [0; 1000]).unwrap();
    drop(dying);
    program.wait_for("a word about it", |line| line.contains("trying again"));

    let mut seen = vec![0; 10_000];
    while seen.contains(&0) {
        let (stream, _) = listener.accept().unwrap();
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut words = line.split(' ');
            assert_eq!(words.next(), Some("f_1.e_1.c1.n"));
            let number: f64 = words.next().unwrap().parse().unwrap();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small whole number"
            )]
            let number = number as usize;
            seen[number] += 1;
        }
    }
    program.wait_for_total("delivered", 10_000);
    assert_eq!(program.terminate().code(), Some(0));
    assert_eq!(seen, vec![1; 10_000]);
}

#[test]
fn an_end_without_the_backend_loses_nothing() {
    let Some(broker) = Broker::shared() else { return };
    let topic = new_topic();
    broker.produce(&topic, numbered(0, 1, 1));
    let [port] = free_ports();
    let mut command = command(&broker.address(), &topic);
    command.args(["graphite", "--output-host=127.0.0.1"]);
    command.env("OUTPUT_PORT", port.to_string());
    let program = Program::start(command.env("EXIT_ON_CONNECT_FAILURE", "true"));
    program.wait_for("the reason", |line| {
        line.contains("cannot deliver to Carbon at 127.0.0.1:")
    });
    assert_eq!(program.wait().code(), Some(1));
    let program = Program::start(command.env_remove("EXIT_ON_CONNECT_FAILURE"));
    program.wait_for("the first attempt", |line| line.contains("trying again in 1 s"));
    assert_eq!(program.terminate().code(), Some(0));

    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let program = Program::start(&mut command);
    let (stream, _) = listener.accept().unwrap();
    let lines: Vec<_> = BufReader::new(stream).lines().map_while(Result::ok).collect();
    assert_eq!(lines, ["f_1.e_1.c1.n 0.0 1767225600"]);
    program.wait_for_total("delivered", 1);
}

#[test]
fn rabbitmq_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_dcos-stats-consumer"))
        .args([
            "graphite",
            "--output-host=x",
            "--kafka-override=bootstrap.servers=127.0.0.1:1",
        ])
        .env("GRAPHITE_PROTOCOL", "RabbitMQ")
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("RABBITMQ, which is not supported"), "{message}");
}
