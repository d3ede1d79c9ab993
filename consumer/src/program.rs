//! Starts the workers, reports what they do, ends them.

use crate::counters::{Counters, Snapshot};
use crate::filter::Filter;
use crate::options::Options;
use crate::worker::{Terms, Worker};
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
    let config = options.kafka.client_config(&group, environment)?;
    let counters = Arc::new(Counters::default());
    let terms = Terms {
        counters: Arc::clone(&counters),
        filter: Filter::new(&options.run.framework_names),
        print_records: options.run.print_records,
        poll_timeout: Duration::from_millis(options.run.poll_timeout_ms.into()),
        batch_time: Duration::from_millis(options.run.batch_ms.into()),
        exit_on_failure: options.run.exit_on_connect_failure,
        stop: Arc::clone(stop),
    };
    let workers = (0..options.run.consumer_threads)
        .map(|_| {
            let backend = options.backend.create(Arc::clone(&counters))?;
            Ok((options.kafka.subscribe(&config)?, backend))
        })
        .collect::<Result<Vec<_>, String>>()?;
    log::info!(
        "reading {} at {} in group {}, for {}",
        options.kafka.topics(),
        config.get("bootstrap.servers").unwrap_or_default(),
        config.get("group.id").unwrap_or_default(),
        options.backend.name(),
    );

    let started = Instant::now();
    let (ends, ended) = channel();
    let result = thread::scope(|scope| {
        for (consumer, backend) in workers {
            let (terms, ends) = (terms.clone(), ends.clone());
            scope.spawn(move || {
                let result = Worker::new(terms, &consumer, backend).run();
                // The receiver waits for every worker's word.
                let _received = ends.send(result);
            });
        }
        drop(ends);
        let period = Duration::from_millis(options.run.stats_print_period_ms.into());
        supervise(&ended, &counters, period, started, stop)
    });
    log::info!(
        "STATS TOTAL: {}",
        counters.snapshot().with_rates(started.elapsed())
    );
    result.map(|()| counters.snapshot())
}

/// Logs the counts every `period` until all workers have ended. The first that fails ends the others.
fn supervise(
    ended: &Receiver<Result<(), String>>,
    counters: &Counters,
    period: Duration,
    started: Instant,
    stop: &AtomicBool,
) -> Result<(), String> {
    let mut result = Ok(());
    let (mut last, mut before) = (started, Snapshot::default());
    loop {
        let received = if period.is_zero() {
            ended.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            ended.recv_timeout((last + period).saturating_duration_since(Instant::now()))
        };
        match received {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => {
                stop.store(true, Ordering::Relaxed);
                result = result.and(Err(reason));
            }
            Err(RecvTimeoutError::Disconnected) => return result,
            Err(RecvTimeoutError::Timeout) => {
                let (now, counts) = (Instant::now(), counters.snapshot());
                log::info!("STATS RECENT: {}", counts.since(&before).with_rates(now - last));
                log::info!("STATS TOTAL: {}", counts.with_rates(now - started));
                (last, before) = (now, counts);
            }
        }
    }
}
