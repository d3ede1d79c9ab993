//! Whether Kafka can be reached, in words.

use super::client::News;
use super::counters::Counters;
use crate::telemetry::Output;
use log::{info, warn};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long Kafka may take nothing before that is a problem, if something is sent.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the words are found anew, since they tell how long it lasts.
const PERIOD: Duration = Duration::from_secs(1);

/// What is known of the brokers.
#[derive(Debug)]
pub(super) struct Health {
    state: State,
    /// When the state began.
    since: Instant,
    /// What went wrong last.
    problem: Option<String>,
    /// When a message was written last, or the first of those handed over was.
    progress: Instant,
    told: Option<Instant>,
    counters: Arc<Counters>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There are no brokers to connect to, or no client.
    NoClient,
    /// There is a client; it has not told yet.
    Connecting,
    Up,
    Down,
}

impl Health {
    pub(super) fn new(now: Instant, counters: Arc<Counters>) -> Self {
        Self {
            state: State::NoClient,
            since: now,
            problem: None,
            progress: now,
            told: None,
            counters,
        }
    }

    /// There is no client, and why.
    pub(super) fn no_client(&mut self, problem: String, now: Instant) {
        if self.state == State::Up {
            self.counters.sessions_closed.add(1);
        }
        self.enter(State::NoClient, now);
        self.problem = Some(problem);
    }

    /// There is a new client.
    pub(super) fn connecting(&mut self, now: Instant) {
        if self.state == State::NoClient {
            self.enter(State::Connecting, now);
            self.problem = None;
        }
    }

    /// Messages are handed over after there were none.
    pub(super) fn sending(&mut self, now: Instant) {
        self.progress = now;
    }

    /// Takes in what the client of `brokers` told.
    pub(super) fn learn(&mut self, news: &News, brokers: &[String], now: Instant) {
        let written = news.reports.iter().any(|(_, error)| error.is_none());
        if written {
            self.progress = now;
        }
        if news.problem.is_some() {
            self.problem.clone_from(&news.problem);
        }
        let reachable = if written { Some(true) } else { news.reachable };
        match (reachable, self.state) {
            (Some(true), State::Connecting | State::Down) => {
                info!("Kafka can be reached at {}", brokers.join(", "));
                self.counters.sessions_opened.add(1);
                self.problem = None;
                self.enter(State::Up, now);
            }
            (Some(false), State::Connecting | State::Up) => {
                self.counters.connection_failures.add(1);
                if self.state == State::Up {
                    self.counters.sessions_closed.add(1);
                }
                warn!("{}; messages wait until one can", self.unreachable(brokers));
                self.enter(State::Down, now);
            }
            _ => {}
        }
    }

    /// For how long no broker could be reached.
    pub(super) fn down(&self, now: Instant) -> Option<Duration> {
        (self.state == State::Down).then(|| now.saturating_duration_since(self.since))
    }

    /// Says in `output` what is wrong, if anything is; `waiting` is how many bytes Kafka should take.
    pub(super) fn tell(&mut self, waiting: usize, brokers: &[String], now: Instant, output: &Output) {
        if self
            .told
            .is_some_and(|told| now.saturating_duration_since(told) < PERIOD)
        {
            return;
        }
        self.told = Some(now);
        let seconds = now.saturating_duration_since(self.since).as_secs();
        let idle = now.saturating_duration_since(self.progress);
        output.set_problem(match self.state {
            State::NoClient => self.problem.clone(),
            State::Down => Some(format!(
                "{} for {seconds} s, {} KB wait",
                self.unreachable(brokers),
                waiting / 1024
            )),
            State::Connecting | State::Up if waiting > 0 && idle >= PATIENCE => Some(format!(
                "Kafka has taken nothing for {} s, {} KB wait",
                idle.as_secs(),
                waiting / 1024
            )),
            State::Connecting | State::Up => None,
        });
    }

    fn unreachable(&self, brokers: &[String]) -> String {
        let mut text = format!("no Kafka broker of {} can be reached", brokers.join(", "));
        if let Some(problem) = &self.problem {
            text = format!("{text} ({problem})");
        }
        text
    }

    fn enter(&mut self, state: State, now: Instant) {
        if self.state != state {
            self.state = state;
            self.since = now;
            self.told = None;
        }
    }
}
