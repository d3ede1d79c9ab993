//! The whole path: tasks, module, collector and what is behind it, with the ways in which its parts can fail.

use crate::Failure;
use crate::arrivals::{Arrivals, container_id};
use crate::books::{Accounting, Balance, Noted};
use crate::clock::{PATIENCE, pause, until};
use crate::collector::{Collector, free_port};
use crate::consumer::Consumer;
use crate::generator::{Generator, Task};
use crate::identity::{Evidence, Identity};
use crate::node::Node;
use rustix::process::Signal;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// After this time the module sends a block that is not full.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(1);

/// How often the collector makes messages for Kafka.
const PRODUCE_PERIOD: Duration = Duration::from_millis(500);

/// How long a number may be on its way through a busy machine beside the times above.
const DELAY: Duration = Duration::from_secs(4);

/// When nothing has arrived for this long, nothing more does.
const QUIET: Duration = Duration::from_secs(20);

/// What a run consists of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many containers.
    pub containers: usize,
    /// What each sends, in datagrams a second.
    pub datagrams_per_second: u32,
    /// Container 0 sends so many times as much.
    pub flood: u32,
    /// Parameters of the module besides those every run has.
    pub parameters: Vec<(String, String)>,
    /// Options of the collector besides those every run has.
    pub collector: Vec<String>,
    /// Where Kafka is; if nowhere, the collector prints what it gets, and that is the far end.
    pub brokers: Option<String>,
    /// The collector's options to find Kafka, if it is not told the brokers.
    pub discovery: Vec<String>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            containers: 20,
            datagrams_per_second: 50,
            flood: 1,
            parameters: Vec::new(),
            collector: Vec::new(),
            brokers: None,
            discovery: Vec::new(),
        }
    }
}

/// All of it, running.
#[derive(Debug)]
pub struct Path {
    plan: Plan,
    folder: TempDir,
    port: u16,
    arrivals: Arrivals,
    generator: Option<Generator>,
    node: Option<Node>,
    collector: Option<Collector>,
    consumer: Option<Consumer>,
    nodes_killed: Vec<RangeInclusive<Instant>>,
    collectors_killed: Vec<RangeInclusive<Instant>>,
    noted_when_killed: Vec<Noted>,
    held_when_killed: u64,
    printers_killed: u64,
    consumed_again: bool,
}

impl Path {
    /// Starts everything, from the far end on; the tasks send from now on.
    ///
    /// # Errors
    ///
    /// When a part does not start.
    pub fn start(plan: Plan) -> Result<Self, Failure> {
        let folder = TempDir::new().map_err(|error| format!("a folder for the run: {error}"))?;
        let mut path = Self {
            arrivals: Arrivals::new(plan.containers),
            port: free_port()?,
            folder,
            plan,
            generator: None,
            node: None,
            collector: None,
            consumer: None,
            nodes_killed: Vec::new(),
            collectors_killed: Vec::new(),
            noted_when_killed: Vec::new(),
            held_when_killed: 0,
            printers_killed: 0,
            consumed_again: false,
        };
        path.start_consumer()?;
        path.start_collector()?;
        path.start_node()?;
        let mut tasks = Vec::new();
        if let Some(node) = &mut path.node {
            for container in 0..path.plan.containers {
                let factor = if container == 0 { path.plan.flood } else { 1 };
                tasks.push(Task {
                    container,
                    endpoint: node.register(&container_id(container))?,
                    datagrams_per_second: path.plan.datagrams_per_second * factor,
                });
            }
        }
        path.generator = Some(Generator::start(&tasks)?);
        Ok(path)
    }

    /// Where the collector listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The node, if it runs.
    pub fn node(&mut self) -> Option<&mut Node> {
        self.node.as_mut()
    }

    /// Waits until numbers arrive again.
    ///
    /// # Errors
    ///
    /// When none does for a long time.
    pub fn wait_for_arrivals(&self) -> Result<(), Failure> {
        let before = self.arrivals.copies();
        until("arrivals", PATIENCE, || Ok(self.arrivals.copies() > before))
    }

    /// Kills the collector and starts another one.
    ///
    /// # Errors
    ///
    /// When it had ended by itself, or the other does not start.
    pub fn restart_collector(&mut self) -> Result<(), Failure> {
        if let Some(collector) = self.collector.take() {
            let killed = Instant::now();
            collector.kill()?;
            let books = self.books();
            let text =
                std::fs::read_to_string(&books).map_err(|error| format!("{}: {error}", books.display()))?;
            let noted = Noted::parse(&text, self.sink());
            self.noted_when_killed
                .push(noted.ok_or_else(|| format!("{}: no books: {text}", books.display()))?);
            // What it had acknowledged and not yet passed on was sent this long ago at most.
            let kept = match self.plan.brokers {
                Some(_) => CHUNK_TIMEOUT + PRODUCE_PERIOD,
                None => CHUNK_TIMEOUT,
            };
            self.collectors_killed.push(killed - kept - DELAY..=killed);
            self.printers_killed += u64::from(self.plan.brokers.is_none());
        }
        self.start_collector()
    }

    /// Kills the node and starts another one, which takes up the containers of the first.
    ///
    /// # Errors
    ///
    /// When it had ended by itself, or the other does not start.
    pub fn restart_node(&mut self) -> Result<(), Failure> {
        if let Some(node) = self.node.take() {
            let killed = Instant::now();
            node.kill()?;
            self.start_node()?;
            // What was in its sockets, in the block being built, or not acknowledged was sent this long ago at most. Until
            // the ports are bound again the kernel refuses.
            self.nodes_killed
                .push(killed - CHUNK_TIMEOUT - DELAY..=Instant::now());
        }
        Ok(())
    }

    /// Kills the consumer and starts another one.
    ///
    /// # Errors
    ///
    /// When it had ended by itself, or the other does not start.
    pub fn restart_consumer(&mut self) -> Result<(), Failure> {
        if let Some(consumer) = self.consumer.take() {
            consumer.kill()?;
            self.printers_killed += 1;
            self.consumed_again = true;
        }
        self.start_consumer()
    }

    /// Says that the consumer may read messages twice: what it has committed is not known while it cannot reach Kafka.
    pub fn consumer_cut_off(&mut self) {
        self.consumed_again = true;
    }

    /// Lets the collector stand still for some time, its connections open.
    ///
    /// # Errors
    ///
    /// When somebody does not want to wait.
    pub fn freeze_collector(&self, time: Duration) -> Result<(), Failure> {
        let signal = |signal| {
            if let Some(collector) = &self.collector {
                collector.process().signal(signal);
            }
        };
        signal(Signal::STOP);
        let paused = pause(time);
        signal(Signal::CONT);
        paused
    }

    /// Ends everything from the near end on, each part when it has passed on what it had, and adds up.
    ///
    /// # Errors
    ///
    /// When a part does not end as it should.
    pub fn finish(mut self) -> Result<(Identity, Evidence), Failure> {
        let sent = match self.generator.take() {
            Some(generator) => generator.stop()?,
            None => Vec::new(),
        };
        let node = self.end_node()?;
        let mut collectors = Vec::new();
        if let Some(collector) = self.collector.take() {
            collectors.push(collector.end()?);
        }
        self.end_consumer(&collectors)?;
        let evidence = Evidence {
            sent,
            arrived: self.arrivals.now(),
            node,
            collectors,
            sink: self.sink(),
            nodes_killed: self.nodes_killed,
            collectors_killed: self.collectors_killed,
            noted_when_killed: self.noted_when_killed,
            held_when_killed: self.held_when_killed,
            printers_killed: self.printers_killed,
            consumed_again: self.consumed_again,
        };
        Ok((Identity::of(&evidence), evidence))
    }

    fn books(&self) -> PathBuf {
        self.folder.path().join("books")
    }

    fn sink(&self) -> &'static str {
        if self.plan.brokers.is_some() {
            "kafka"
        } else {
            "stdout"
        }
    }

    fn start_collector(&mut self) -> Result<(), Failure> {
        let mut arguments = self.plan.collector.clone();
        // Nothing but what the module sends.
        arguments.push(format!("--books={}", self.books().display()));
        arguments.extend(["--agent-polling=false", "--host-metrics=false", "--http=off"].map(str::to_owned));
        if let Some(brokers) = &self.plan.brokers {
            match self.plan.discovery.as_slice() {
                [] => arguments.push(format!("--kafka-brokers={brokers}")),
                discovery => arguments.extend_from_slice(discovery),
            }
            arguments.push(format!(
                "--kafka-produce-period-ms={}",
                PRODUCE_PERIOD.as_millis()
            ));
            arguments.push("--kafka-flush-ms=500".to_owned());
        }
        let arrivals = self.plan.brokers.is_none().then_some(&self.arrivals);
        let collector = Collector::start(self.port, &arguments, arrivals)?;
        self.held_when_killed += collector.lost_before(self.sink());
        self.collector = Some(collector);
        Ok(())
    }

    fn start_node(&mut self) -> Result<(), Failure> {
        let state = self.folder.path().join("state").display().to_string();
        let mut parameters: Vec<(String, String)> = [
            ("state_path_dir", state),
            ("self_metrics_enabled", "false".to_owned()),
            ("container_limit_amount_kbytes", "1048576".to_owned()),
            ("output_collector_port", self.port.to_string()),
            (
                "output_collector_chunk_timeout_seconds",
                CHUNK_TIMEOUT.as_secs().to_string(),
            ),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        parameters.retain(|(key, _)| self.plan.parameters.iter().all(|(other, _)| other != key));
        parameters.extend(self.plan.parameters.iter().cloned());
        self.node = Some(Node::start(self.folder.path(), &parameters)?);
        Ok(())
    }

    fn start_consumer(&mut self) -> Result<(), Failure> {
        if let Some(brokers) = &self.plan.brokers {
            self.consumer = Some(Consumer::start(brokers, &self.arrivals)?);
        }
        Ok(())
    }

    /// Ends the node once the collector has everything.
    fn end_node(&mut self) -> Result<Accounting, Failure> {
        let Some(mut node) = self.node.take() else {
            return Ok(Accounting::default());
        };
        let mut before = None;
        until("the module's queue empty", PATIENCE, || {
            let now = node.accounting()?;
            let is_done =
                before == Some(now.datagrams_received) && now.collector_output.datapoints_pending == 0;
            before = Some(now.datagrams_received);
            Ok(is_done)
        })?;
        node.end()
    }

    fn end_consumer(&mut self, collectors: &[Balance]) -> Result<(), Failure> {
        let Some(consumer) = self.consumer.take() else {
            return Ok(());
        };
        let sinks = collectors
            .iter()
            .filter_map(|collector| collector.sinks.get("kafka"));
        let written: u64 = sinks.map(|sink| sink.datapoints_written).sum();
        let (mut last, mut since) = (self.arrivals.copies(), Instant::now());
        until("the end of what arrives", 10 * PATIENCE, || {
            let now = self.arrivals.copies();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            // What a killed collector wrote comes besides, and what comes again does not count.
            let has_all = self.collectors_killed.is_empty() && self.arrivals.numbers() >= written;
            Ok(since.elapsed() > if has_all { QUIET / 10 } else { QUIET })
        })?;
        consumer.end()
    }
}
