//! Starts the workers, reports what they do, ends them, and does so again when the brokers have moved.

use crate::counters::{Counters, Snapshot};
use crate::filter::Filter;
use crate::kafka::{BROKERS, given_brokers};
use crate::options::Options;
use crate::round::Round;
use crate::worker::{Terms, Worker};
use rdkafka::ClientConfig;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Works until `stop` is set.
///
/// # Errors
///
/// Options that make no sense, before anything is read; or what kept a worker from going on.
pub fn run(options: &Options, stop: &Arc<AtomicBool>) -> Result<Snapshot, String> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let group = format!("dcos-stats-{}", options.backend.name());
    let mut config = options.kafka.client_config(&group, environment)?;
    let mut report = Report::new(options);
    // Discovery may take long; what is wrong regardless is said before it.
    options.backend.create(Arc::clone(&report.counters))?;
    let mut brokers = if given_brokers(&config).is_some() {
        None
    } else {
        let found = options.kafka.await_brokers(|| stop.load(Ordering::Relaxed));
        let Some(found) = found else {
            return Ok(report.finish());
        };
        Some(found)
    };
    loop {
        if let Some(brokers) = &brokers {
            config.set(BROKERS, brokers.join(","));
        }
        let moved = run_round(options, &config, brokers.as_deref(), &mut report, stop);
        match moved {
            Ok(Some(found)) if !stop.load(Ordering::Relaxed) => brokers = Some(found),
            Ok(_) => return Ok(report.finish()),
            Err(reason) => {
                report.finish();
                return Err(reason);
            }
        }
    }
}

/// Works until `stop` is set, or until the brokers of the framework are others than `discovered`: those are the answer.
fn run_round(
    options: &Options,
    config: &ClientConfig,
    discovered: Option<&[String]>,
    report: &mut Report,
    stop: &Arc<AtomicBool>,
) -> Result<Option<Vec<String>>, String> {
    let round = Arc::new(Round::default());
    let terms = Terms {
        counters: Arc::clone(&report.counters),
        filter: Filter::new(&options.run.framework_names),
        print_records: options.run.print_records,
        poll_timeout: Duration::from_millis(options.run.poll_timeout_ms.into()),
        batch_time: Duration::from_millis(options.run.batch_ms.into()),
        exit_on_failure: options.run.exit_on_connect_failure,
        stop: Arc::clone(stop),
        round: Arc::clone(&round),
    };
    let workers = (0..options.run.consumer_threads)
        .map(|_| {
            let backend = options.backend.create(Arc::clone(&report.counters))?;
            Ok((options.kafka.subscribe(config)?, backend))
        })
        .collect::<Result<Vec<_>, String>>()?;
    log::info!(
        "reading {} at {} in group {}, for {}",
        options.kafka.topics(),
        given_brokers(config).unwrap_or_default(),
        config.get("group.id").unwrap_or_default(),
        options.backend.name(),
    );

    let (ends, ended) = channel();
    thread::scope(|scope| {
        let watch = discovered.map(|known| scope.spawn(|| round.watch(&options.kafka, known)));
        for (consumer, backend) in workers {
            let (terms, ends) = (terms.clone(), ends.clone());
            scope.spawn(move || {
                let round = Arc::clone(&terms.round);
                let result = Worker::new(terms, &consumer, backend).run();
                if round.is_over() {
                    // It says goodbye to brokers that are gone, which takes long; should they come back, they find that its place
                    // in the group has been taken.
                    thread::spawn(move || drop(consumer));
                }
                // The receiver waits for every worker's word.
                let _received = ends.send(result);
            });
        }
        drop(ends);
        let result = supervise(&ended, report, stop);
        round.end();
        let moved = watch.and_then(|watch| watch.join().ok().flatten());
        result.map(|()| moved)
    })
}

/// Logs the counts every period until all workers have ended. The first that fails ends the others.
fn supervise(
    ended: &Receiver<Result<(), String>>,
    report: &mut Report,
    stop: &AtomicBool,
) -> Result<(), String> {
    let mut result = Ok(());
    loop {
        let received = match report.due() {
            None => ended.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => ended.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        match received {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => {
                stop.store(true, Ordering::Relaxed);
                result = result.and(Err(reason));
            }
            Err(RecvTimeoutError::Disconnected) => return result,
            Err(RecvTimeoutError::Timeout) => report.log(),
        }
    }
}

/// The counts, and when they are logged.
struct Report {
    counters: Arc<Counters>,
    period: Duration,
    started: Instant,
    last: Instant,
    before: Snapshot,
}

impl Report {
    fn new(options: &Options) -> Self {
        let now = Instant::now();
        Self {
            counters: Arc::default(),
            period: Duration::from_millis(options.run.stats_print_period_ms.into()),
            started: now,
            last: now,
            before: Snapshot::default(),
        }
    }

    /// When to log next; None is never.
    fn due(&self) -> Option<Instant> {
        (!self.period.is_zero()).then(|| self.last + self.period)
    }

    fn log(&mut self) {
        let (now, counts) = (Instant::now(), self.counters.snapshot());
        let recent = counts.since(&self.before);
        log::info!("STATS RECENT: {}", recent.with_rates(now - self.last));
        log::info!("STATS TOTAL: {}", counts.with_rates(now - self.started));
        (self.last, self.before) = (now, counts);
    }

    /// Logs the last counts, and gives them.
    fn finish(&self) -> Snapshot {
        let counts = self.counters.snapshot();
        log::info!("STATS TOTAL: {}", counts.with_rates(self.started.elapsed()));
        counts
    }
}
