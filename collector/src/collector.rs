//! Sources, fan-out and sinks put together, from the first connection to the last record.

use crate::Batch;
use crate::agent::{AgentCounters, AgentSettings, AgentState, Poller, PollerHandle};
use crate::books::Books;
use crate::counts::Counts;
use crate::fan_out::FanOut;
use crate::sinks::kafka::{self, Kafka};
use crate::sinks::{self, Queue, Sink, SinkEnd};
use crate::sources::{Inlet, Limits, TcpSource};
use crate::summary::log_every_minute;
use crate::tagger::Tagger;
use crate::telemetry::{Balance, Input};
use log::{error, warn};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

/// Reads that may wait for the fan-out, which never makes them wait for long.
const CHANNEL_READS: usize = 4;

/// Once it has to end, how long the collector goes on reading from peers that go on sending.
const READ_ON: Duration = Duration::from_secs(3);

/// Once it has to end, how long until it does not wait for its sinks any more.
const END_WITHIN: Duration = Duration::from_secs(5);

/// A sink that cannot write any more.
#[derive(Debug, thiserror::Error)]
#[error("{sink}: {error}")]
pub struct SinkError {
    /// Which one.
    pub sink: &'static str,
    /// What it met with.
    #[source]
    pub error: io::Error,
}

/// A collector that listens, with the sinks it was given.
#[derive(Debug)]
pub struct Collector {
    listener: TcpListener,
    limits: Limits,
    input: Arc<Input>,
    /// Handed over by the sources, and not yet handed out.
    batches: (mpsc::Sender<Vec<Batch>>, mpsc::Receiver<Vec<Batch>>),
    /// What the agent says of who is who.
    state: watch::Sender<Option<Arc<AgentState>>>,
    poller: Option<PollerHandle>,
    agent: Arc<AgentCounters>,
    kafka: Option<Arc<kafka::Counters>>,
    books: Option<Arc<Books>>,
    queues: Vec<Arc<Queue>>,
    /// How many sinks are more than views.
    outlets: usize,
    ends: (mpsc::UnboundedSender<SinkEnd>, mpsc::UnboundedReceiver<SinkEnd>),
}

impl Collector {
    /// Listens on the first of `addresses` on which that is possible.
    ///
    /// # Errors
    ///
    /// That of the last address if none is.
    pub async fn bind(addresses: &[SocketAddr], limits: Limits) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(addresses).await?,
            limits,
            input: Arc::default(),
            batches: mpsc::channel(CHANNEL_READS),
            state: watch::Sender::new(None),
            poller: None,
            agent: Arc::default(),
            kafka: None,
            books: None,
            queues: Vec::new(),
            outlets: 0,
            ends: mpsc::unbounded_channel(),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Keeps running totals in a file, so that what the sinks added so far hold when this process is killed is counted by
    /// the next one; and counts what the last one held. Before any source.
    ///
    /// # Errors
    ///
    /// When the file cannot be read and written, or another process has it.
    pub fn keep_books(&mut self, path: &Path) -> io::Result<()> {
        let sinks: Vec<_> = self.queues.iter().map(|queue| queue.sink()).collect();
        let (books, lost) = Books::open(path, &sinks)?;
        for (place, (queue, lost)) in self.queues.iter().zip(lost).enumerate() {
            queue.keep_books(books.page(place));
            queue.output().lost_before.add(lost);
            if lost > 0 {
                warn!(
                    "The collector before this one was killed while it held {lost} datapoints for {}",
                    queue.sink()
                );
            }
        }
        self.books = Some(books);
        Ok(())
    }

    /// Polls the Mesos agent from now on, for tags and for metrics of its own and of the containers, and counts that in
    /// `counters`.
    ///
    /// # Errors
    ///
    /// When the system refuses the thread.
    pub fn poll_agent(&mut self, settings: AgentSettings, counters: Arc<AgentCounters>) -> io::Result<()> {
        self.agent = Arc::clone(&counters);
        let (inlet, who_is_who) = (self.inlet(), self.state.clone());
        let lists = move |lists| inlet.push(lists);
        let state = move |state| {
            who_is_who.send_replace(Some(state));
        };
        self.poller = Some(Poller::start(settings, counters, lists, state)?);
        Ok(())
    }

    /// The way in for a source that is no connection.
    #[must_use]
    pub fn inlet(&self) -> Inlet {
        Inlet::new(self.batches.0.downgrade(), self.books.clone())
    }

    /// What arrived so far.
    #[must_use]
    pub fn input(&self) -> Arc<Input> {
        Arc::clone(&self.input)
    }

    /// What became of it, for each sink.
    #[must_use]
    pub fn queues(&self) -> Vec<Arc<Queue>> {
        self.queues.clone()
    }

    /// What all parts count that are there by now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            input: self.input(),
            queues: self.queues(),
            agent: Arc::clone(&self.agent),
            kafka: self.kafka.clone(),
        }
    }

    /// Hands all records to `sink` from now on, through a queue of at most `queue_bytes` in memory. The collector ends
    /// when the last of its sinks has failed.
    ///
    /// # Errors
    ///
    /// When the system refuses the sink's thread.
    pub fn add_sink(&mut self, sink: impl Sink, queue_bytes: usize) -> io::Result<()> {
        self.outlets += 1;
        self.add(sink, queue_bytes, true)
    }

    /// The same for Kafka, which counts more than other sinks do.
    ///
    /// # Errors
    ///
    /// When the system refuses the sink's thread.
    pub fn add_kafka(&mut self, kafka: Kafka, queue_bytes: usize) -> io::Result<()> {
        self.kafka = Some(kafka.counters());
        self.add_sink(kafka, queue_bytes)
    }

    /// The same for a sink that keeps what others ask for, in memory. It is no reason for the collector to go on when
    /// all else has failed.
    ///
    /// # Errors
    ///
    /// When the system refuses the sink's thread.
    pub fn add_view(&mut self, sink: impl Sink, queue_bytes: usize) -> io::Result<()> {
        self.add(sink, queue_bytes, false)
    }

    fn add(&mut self, sink: impl Sink, queue_bytes: usize, is_outlet: bool) -> io::Result<()> {
        let queue = sinks::start(sink, queue_bytes, is_outlet, self.ends.0.clone())?;
        self.queues.push(queue);
        Ok(())
    }

    /// Collects until `stop`, then accepts no more connections, reads what peers have sent so far, and waits for the
    /// sinks to write it. A sink that fails drops and counts everything from then on; when the last one has failed, the
    /// collector ends.
    pub async fn run(self, stop: impl Future<Output = ()>) -> (Balance, Result<(), SinkError>) {
        let counts = self.counts();
        let (batches, decoded) = self.batches;
        let (stop_reading, stopped) = watch::channel(None);
        let source = TcpSource {
            listener: self.listener,
            limits: self.limits,
            batches,
            stop: stopped,
            input: Arc::clone(&self.input),
            books: self.books,
        };
        let source = tokio::spawn(source.run());
        let fan_out = FanOut {
            decoded,
            queues: self.queues.clone(),
            tagger: Tagger::new(Arc::clone(&self.input)),
            // Without a poller nobody has the sender any more.
            state: self.state.subscribe(),
            poller: self.poller,
            input: Arc::clone(&self.input),
        };
        drop(self.state);
        let fan_out = tokio::spawn(fan_out.run());
        let summary = tokio::spawn(log_every_minute(counts.clone()));

        let mut ends = self.ends.1;
        let mut result = Ok(());
        let (mut running, mut outlets) = (self.queues.len(), self.outlets);
        let mut stop = pin!(stop);
        let read_on = loop {
            tokio::select! {
                () = &mut stop => break READ_ON,
                Some(end) = ends.recv() => {
                    running -= 1;
                    outlets -= usize::from(end.is_outlet);
                    let was_outlet = end.is_outlet;
                    let ended = sink_result(end);
                    if was_outlet && outlets == 0 {
                        result = ended;
                        break Duration::ZERO;
                    }
                    if let Err(failed) = ended {
                        error!("{failed}; this output is off from now on, what comes for it is dropped and counted");
                    }
                }
            }
        };
        let end_by = Instant::now() + END_WITHIN;
        summary.abort();
        stop_reading.send_replace(Some(Instant::now() + read_on));
        // Neither is ever aborted, and a panic of theirs leaves nothing to wait for.
        let _ = source.await;
        let _ = fan_out.await;
        self.queues
            .iter()
            .for_each(|queue| queue.close(end_by.into_std()));
        while running > 0
            && let Ok(Some(end)) = timeout_at(end_by, ends.recv()).await
        {
            running -= 1;
            result = result.and(sink_result(end));
        }
        self.queues.iter().for_each(|queue| queue.abandon());
        let outputs = self.queues.iter().map(|queue| (queue.sink(), queue.output()));
        (Balance::new(&self.input, outputs, counts.sums()), result)
    }
}

fn sink_result(end: SinkEnd) -> Result<(), SinkError> {
    end.result.map_err(|error| SinkError {
        sink: end.sink,
        error,
    })
}
