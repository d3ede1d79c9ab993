//! `dcos-stats-collector`: see [`stats_collector`].

#![forbid(unsafe_code)]

use log::{error, info, warn};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stats_collector::agent::SettingsError;
use stats_collector::check;
use stats_collector::http::{HttpState, Store, StoreSink, serve};
use stats_collector::options::Options;
use stats_collector::self_metrics::{self, SelfMetrics};
use stats_collector::sinks::kafka::Kafka;
use stats_collector::sinks::prometheus::{Prometheus, Registry};
use stats_collector::sinks::{Files, Statsd, Stdout};
use stats_collector::sources::{HostMetrics, hostname};
use stats_collector::{Collector, SinkError};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

/// Why the collector cannot start or go on.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("Cannot listen on {endpoint}: {error}; choose another HOST:PORT with --listen")]
    Listen { endpoint: String, error: io::Error },
    #[error("Cannot serve HTTP on {endpoint}: {error}; choose another HOST:PORT with --http, or --http=off")]
    Http { endpoint: String, error: io::Error },
    #[error("Cannot write to stdout: {0}")]
    Stdout(io::Error),
    #[error("--books={path}: {error}")]
    Books { path: String, error: io::Error },
    #[error("{0}")]
    Kafka(String),
    #[error(transparent)]
    Agent(#[from] SettingsError),
    #[error("Cannot start: {0}")]
    System(#[from] io::Error),
    #[error("Cannot go on writing to {0}; whoever reads it may be gone")]
    Sink(#[from] SinkError),
    #[error("The books do not balance, which is a bug in the collector; please report it")]
    Unbalanced,
}

fn main() -> ExitCode {
    let options = match Options::read(std::env::args_os(), |name| std::env::var(name).ok()) {
        Ok(options) => options,
        Err(error) => error.exit(),
    };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info"))
        .format_target(false)
        .init();
    if !options.set.is_empty() {
        let set: Vec<_> = options
            .set
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        info!("Options: {}", set.join(" "));
    }
    if options.http_profile {
        warn!("--http-profile has no effect: there is no profiler to serve, use perf");
    }
    if options.check {
        return check(&options);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime
        .map_err(Failure::System)
        .and_then(|runtime| runtime.block_on(collect(&options)))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            error!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Prints what was found, a line each.
fn check(options: &Options) -> ExitCode {
    let findings = check::check(options);
    for (option, finding) in &findings {
        match finding {
            Ok(found) => println!("ok    {option}: {found}"),
            Err(wrong) => println!("wrong {option}: {wrong}"),
        }
    }
    if findings.iter().all(|(_, finding)| finding.is_ok()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn collect(options: &Options) -> Result<(), Failure> {
    let signals = Signals::catch()?;
    allow_descriptors(options.max_connections.get());
    let listen_error = |error| Failure::Listen {
        endpoint: options.listen.clone(),
        error,
    };
    let addresses = options.listen_addresses().map_err(listen_error)?;
    let mut collector = Collector::bind(&addresses, options.into())
        .await
        .map_err(listen_error)?;
    let queue_bytes = options.output_queue_kbytes as usize * 1024;
    let kafka = options
        .kafka
        .settings(stats_collector::environment())
        .and_then(|settings| settings.map(Kafka::new).transpose())
        .map_err(Failure::Kafka)?;
    let statsd = Statsd::open(&options.statsd)?;
    let files = Files::open(&options.file)?;
    let others = [kafka.is_some(), statsd.is_some(), files.is_some()];
    if options.prints(others.into_iter().filter(|other| *other).count()) {
        collector.add_sink(Stdout::open().map_err(Failure::Stdout)?, queue_bytes)?;
    }
    if let Some(kafka) = kafka {
        collector.add_kafka(kafka, queue_bytes)?;
    }
    if let Some(statsd) = statsd {
        collector.add_sink(statsd, queue_bytes)?;
    }
    if let Some(files) = files {
        collector.add_sink(files, queue_bytes)?;
    }
    if let Some(path) = &options.books {
        collector.keep_books(path).map_err(|error| Failure::Books {
            path: path.display().to_string(),
            error,
        })?;
    }
    if let Some(settings) = options.agent.settings()? {
        collector.poll_agent(settings, Arc::default())?;
    }
    let http = serve_http(options, &mut collector).await?;
    let _host_metrics = start_host_metrics(options, &collector)?;
    let counts = collector.counts();
    let samples = move || self_metrics::samples(&counts);
    let _self_metrics = SelfMetrics::start(&options.self_metrics, samples)?;
    info!("Listening on {}", collector.address()?);
    let (balance, result) = collector.run(signals.first()).await;
    drop(http);
    let text = serde_json::to_string(&balance).map_err(io::Error::from)?;
    info!("Final balance: {text}");
    result?;
    if balance.balanced() {
        Ok(())
    } else {
        Err(Failure::Unbalanced)
    }
}

fn start_host_metrics(options: &Options, collector: &Collector) -> io::Result<Option<HostMetrics>> {
    let host = &options.host;
    if !host.enabled {
        return Ok(None);
    }
    let inlet = collector.inlet();
    let period = Duration::from_secs(host.period_seconds);
    let topic = &options.agent.agent_metrics_topic;
    // The agent says how the node is called; nobody else does if it is not asked.
    let hostname = (!options.agent.agent_polling).then(hostname);
    let lists = move |lists| inlet.push(lists);
    HostMetrics::start(period, topic, hostname.as_deref(), lists).map(Some)
}

/// Answers HTTP requests until what it returns is dropped, if that is wanted.
async fn serve_http(options: &Options, collector: &mut Collector) -> Result<Option<JoinSet<()>>, Failure> {
    let Some(addresses) = options.http.addresses() else {
        return Ok(None);
    };
    let error = |error| Failure::Http {
        endpoint: options.http.http.clone(),
        error,
    };
    let listener = TcpListener::bind(&*addresses.map_err(error)?)
        .await
        .map_err(error)?;
    let store = Arc::new(Store::new(options.http.store_limits(), Instant::now()));
    let queue_bytes = options.output_queue_kbytes as usize * 1024;
    collector.add_view(StoreSink::new(Arc::clone(&store)), queue_bytes)?;
    let registry = Arc::new(Registry::new(options.prometheus.limits(), Instant::now()));
    collector.add_view(Prometheus::new(Arc::clone(&registry)), queue_bytes)?;
    let state = HttpState::new(collector.counts(), store, Some(registry));
    info!("Serving http://{}/", listener.local_addr()?);
    let mut server = JoinSet::new();
    server.spawn(serve(listener, Arc::new(state), std::future::pending::<()>()));
    Ok(Some(server))
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the first signal; the second ends the process at once.
    async fn first(mut self) {
        info!("Ending on {}; once more to end at once", self.next().await.0);
        tokio::spawn(async move {
            let (name, number) = self.next().await;
            error!("Ended by a second signal, {name}; what was not written is lost");
            std::process::exit(128 + number);
        });
    }

    async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", SignalKind::terminate().as_raw_value()),
            _ = self.interrupt.recv() => ("SIGINT", SignalKind::interrupt().as_raw_value()),
        }
    }
}

/// Raises the soft limit of open files to what `connections` need; it is often 1024, and the hard one much more.
fn allow_descriptors(connections: usize) {
    let needed = connections as u64 + 32;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return;
    }
    let allowed = maximum.map_or(needed, |maximum| maximum.min(needed));
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(allowed),
            maximum,
        },
    );
    if raised.is_err() || allowed < needed {
        warn!(
            "--max-connections={connections} needs {needed} open files, the system allows this process {allowed}"
        );
    }
}
