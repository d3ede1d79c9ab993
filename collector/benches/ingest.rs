//! How many datapoints a second one core takes in: old-schema streams of a module, 100 datapoints a block, over real
//! loopback TCP into a sink that looks at every datapoint and counts it; as they are, and with the tags that the agent's
//! state gives every record. The baseline is decoding the same bytes from memory into the same sum. All are CPU time, so
//! that other work on the machine does not count.
//!
//! `cargo bench -p dcos-stats-collector [--bench ingest] [-- MEGABYTES]`

use clap::Parser;
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use stats_collector::agent::{AgentCounters, AgentOptions};
use stats_collector::sinks::Outcome;
use stats_collector::sources::Limits;
use stats_collector::telemetry::Output;
use stats_collector::{Batch, Collector, Sink};
use stats_schema::{
    CustomTags, DatapointRef, Identity, Layout, MetricType, Part, RecordRef, StreamDecoder, write_block,
};
use std::convert::Infallible;
use std::error::Error;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Connections that send at the same time.
const CONNECTIONS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let [send, address, own, megabytes] = arguments.as_slice()
        && send == "send"
    {
        return sender(address.parse()?, &Traffic::new(own == "own"), megabytes.parse()?);
    }
    let megabytes = arguments.first().map_or(Ok(200), |text| text.parse())?;
    println!(
        "{:<34} {:>14} {:>14} {:>14}",
        "CPU of one core, ns a datapoint", "decode only", "as they are", "tagged"
    );
    for own in [false, true] {
        let traffic = Traffic::new(own);
        let decode = decode_only(&traffic, megabytes)?;
        let (as_they_are, bytes) = collect(own, false, &traffic, megabytes)?;
        let (tagged, tagged_bytes) = collect(own, true, &traffic, megabytes)?;
        // Half of what it adds to a record.
        if tagged_bytes < bytes + 100 * traffic.blocks(megabytes) as u64 {
            return Err(format!("the agent's state made {tagged_bytes} bytes of {bytes}").into());
        }
        let name = if own {
            "every datapoint with a tag"
        } else {
            "none with tags of its own"
        };
        println!("{name:<34} {decode:>14.1} {as_they_are:>14.1} {tagged:>14.1}");
        let millions = [decode, as_they_are, tagged].map(|spent| format!("{:.2} M", 1e3 / spent));
        let [decode_rate, plain_rate, tagged_rate] = millions;
        println!(
            "{:<34} {decode_rate:>14} {plain_rate:>14} {tagged_rate:>14}",
            "  datapoints a second"
        );
        let [as_they_are, tagged] = [as_they_are, tagged].map(|spent| format!("{:.2}", spent / decode));
        println!("{:<34} {:>14} {as_they_are:>14} {tagged:>14}", "  ratio", "1");
    }
    Ok(())
}

/// A block as the module makes it, again and again.
struct Traffic {
    block: Vec<u8>,
}

const BLOCK_DATAPOINTS: u64 = 100;

impl Traffic {
    /// From a container of `tests/agent/state.json`; `own` for a tag of each datapoint's own.
    fn new(own: bool) -> Self {
        let framework = "e4341f7e-de94-48df-b491-a97736b9448a-0002";
        let identity = Identity::new(
            framework,
            &[
                ("framework_id", framework),
                ("executor_id", "web.5f9c2f2e-8f0b-11e6-9d3b-70b3d5800001"),
                ("container_id", "3007473b-218f-49b2-9c80-db530f72b895"),
            ],
        );
        let mut tags = CustomTags::default();
        if own {
            tags.push("path", "/checkout/cart");
        }
        let mut part = Part::default();
        for number in 0..BLOCK_DATAPOINTS {
            let datapoint = DatapointRef {
                name: &format!("shop.requests.duration.{number}"),
                time_ms: 1_472_688_000_123,
                value: 12.5,
                metric_type: MetricType::Unknown,
                sample_rate: 1.0,
                text: None,
            };
            part.push(Layout::Old, &identity, &tags, &datapoint);
        }
        let mut block = Vec::new();
        write_block(&mut block, [(&identity, &part)].into_iter());
        Self { block }
    }

    fn blocks(&self, megabytes: usize) -> usize {
        (megabytes << 20) / self.block.len() / CONNECTIONS * CONNECTIONS
    }

    /// Several blocks, as many as fit a send of this size.
    fn chunk(&self) -> (Vec<u8>, usize) {
        let blocks = ((64 << 10) / self.block.len()).max(1);
        (self.block.repeat(blocks), blocks)
    }
}

/// Looks at everything once, as any sink would.
#[derive(Default)]
struct Counting {
    datapoints: u64,
    bytes: u64,
    sum: f64,
}

impl Counting {
    fn count(&mut self, record: &RecordRef<'_>) {
        self.bytes += record
            .tags
            .iter()
            .map(|tag| (tag.key.len() + tag.value.len()) as u64)
            .sum::<u64>();
        for datapoint in record.datapoints {
            self.datapoints += 1;
            self.bytes += datapoint.name.len() as u64;
            self.sum += datapoint.value;
        }
    }
}

impl Sink for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn write(&mut self, batch: &Batch, _output: &Output) -> io::Result<Outcome> {
        let before = self.bytes;
        let Ok(()) = batch.try_for_each(|record| {
            self.count(&record);
            Ok::<(), Infallible>(())
        });
        Ok(Outcome::Written(self.bytes - before))
    }
}

/// Nanoseconds a datapoint.
fn decode_only(traffic: &Traffic, megabytes: usize) -> Result<f64, Box<dyn Error>> {
    let (chunk, blocks) = traffic.chunk();
    let mut decoder = StreamDecoder::new(stats_schema::Limits::default());
    decoder.feed(Layout::Old.header(), |_| {})?;
    let mut counting = Counting::default();
    let start = cpu_time();
    for _ in 0..traffic.blocks(megabytes) / blocks {
        decoder.feed(&chunk, |record| counting.count(&record))?;
    }
    let spent = cpu_time() - start;
    std::hint::black_box(counting.sum);
    Ok(spent.as_nanos() as f64 / counting.datapoints as f64)
}

/// Nanoseconds a datapoint, of all threads of the collector together, which share one core; and how many bytes the sink saw.
fn collect(
    own: bool,
    tagged: bool,
    traffic: &Traffic,
    megabytes: usize,
) -> Result<(f64, u64), Box<dyn Error>> {
    // Threads inherit it.
    pin(0)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut collector = runtime.block_on(Collector::bind(&["127.0.0.1:0".parse()?], Limits::default()))?;
    // Nothing is to be dropped, else it would be cheaper.
    collector.add_sink(Counting::default(), usize::MAX)?;
    let polled = Arc::<AgentCounters>::default();
    if tagged {
        let settings = AgentFiles::parse_from(AgentFiles::arguments()).agent.settings()?;
        collector.poll_agent(settings.ok_or("the agent is polled")?, Arc::clone(&polled))?;
    }
    let address = collector.address()?;
    let input = collector.input();
    let (sent, stop) = oneshot::channel::<()>();
    let megabytes_text = megabytes.to_string();
    let sending = std::thread::spawn(move || {
        // First who is who, then the agent's metrics, then those of its containers; all of it before the clock starts.
        while tagged && (polled.queries.get() < 3 || input.datapoints.get() < polled.metrics_values.get()) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let (others, start) = (input.datapoints.get(), cpu_time());
        let kind = if own { "own" } else { "plain" };
        let status = std::env::current_exe().and_then(|program| {
            let sender = Command::new(program)
                .args(["send", &address.to_string(), kind, &megabytes_text])
                .spawn()?;
            Sending(sender).0.wait()
        });
        drop(sent);
        status.map(|status| (status, others, start))
    });
    let (balance, result) = runtime.block_on(collector.run(async move { drop(stop.await) }));
    let ended = cpu_time();
    result?;
    let (status, others, start) = sending.join().map_err(|_| "waiting for the sender panicked")??;
    let expected = traffic.blocks(megabytes) as u64 * BLOCK_DATAPOINTS;
    let balance = serde_json::to_value(&balance)?;
    let sink = &balance["sinks"]["counting"];
    let bytes = sink["bytes_written"].as_u64().unwrap_or_default();
    if !status.success() || sink["datapoints_written"].as_u64() != Some(expected + others) {
        return Err(format!("{expected} datapoints sent ({status}), but the balance is {balance}").into());
    }
    Ok(((ended - start).as_nanos() as f64 / expected as f64, bytes))
}

/// What a real agent answered, which knows the container.
#[derive(Parser)]
struct AgentFiles {
    #[command(flatten)]
    agent: AgentOptions,
}

impl AgentFiles {
    fn arguments() -> impl Iterator<Item = String> {
        let file = |option: &str, name: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agent");
            format!("--agent-test-{option}-file={folder}/{name}")
        };
        [
            "ingest".to_owned(),
            "--agent-poll-period=86400".to_owned(),
            file("state", "state.json"),
            file("system", "metrics-snapshot.json"),
            file("containers", "containers.json"),
        ]
        .into_iter()
    }
}

/// The sender's process, so that its CPU time is its own. Killed when the collector fails.
struct Sending(Child);

impl Drop for Sending {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

fn sender(address: SocketAddr, traffic: &Traffic, megabytes: usize) -> Result<(), Box<dyn Error>> {
    // On a machine with one core they share it; CPU time tells them apart all the same.
    let _ = pin(1);
    let mut connections = (0..CONNECTIONS)
        .map(|_| {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(Layout::Old.header())?;
            Ok(stream)
        })
        .collect::<io::Result<Vec<_>>>()?;
    let (chunk, chunk_blocks) = traffic.chunk();
    let mut left = vec![traffic.blocks(megabytes) / CONNECTIONS; CONNECTIONS];
    while left.iter().any(|blocks| *blocks > 0) {
        for (stream, left) in connections.iter_mut().zip(&mut left) {
            let blocks = chunk_blocks.min(*left);
            stream.write_all(&chunk[..blocks * traffic.block.len()])?;
            *left -= blocks;
        }
    }
    Ok(())
}

fn pin(core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
