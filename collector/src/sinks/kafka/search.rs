//! Finding the brokers of a framework, on a thread of its own, so that records can be queued meanwhile.

use super::counters::Counters;
use log::{info, warn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Asks once where the brokers are: each as `host:port`, at least one, or why they are not known. May block.
pub(super) type Discover = Arc<dyn Fn() -> Result<Vec<String>, String> + Send + Sync>;

const BUG: &str = "looking for Kafka's brokers failed by a bug in the collector, please report it with the message on stderr";

/// A search that ends with the first answer, or when dropped.
pub(super) struct Search {
    answers: Receiver<Result<Vec<String>, String>>,
    _stop: Sender<()>,
}

impl Search {
    /// Asks again and again, with pauses of `retry`. Logs an error when it is another than before.
    ///
    /// # Errors
    ///
    /// When the system refuses the thread.
    pub(super) fn start(discover: Discover, retry: Duration, counters: Arc<Counters>) -> io::Result<Self> {
        let (sender, answers) = channel();
        let (stop, stopped) = channel::<()>();
        thread::Builder::new()
            .name("kafka-discovery".to_owned())
            .spawn(move || {
                let mut last = None;
                loop {
                    // A panic would end the search, and nobody would look again.
                    let answer =
                        catch_unwind(AssertUnwindSafe(|| discover())).unwrap_or_else(|_| Err(BUG.to_owned()));
                    match &answer {
                        Ok(brokers) => info!("Kafka brokers: {}", brokers.join(", ")),
                        Err(error) => {
                            counters.framework_lookup_failures.add(1);
                            if last.as_ref() != Some(error) {
                                warn!("{error}; trying again every {} ms", retry.as_millis());
                                last = Some(error.clone());
                            }
                        }
                    }
                    let found = answer.is_ok();
                    let wanted = sender.send(answer).is_ok();
                    if found || !wanted || stopped.recv_timeout(retry) != Err(RecvTimeoutError::Timeout) {
                        return;
                    }
                }
            })?;
        Ok(Self { answers, _stop: stop })
    }

    /// The newest answer, if there is one that was not returned yet.
    pub(super) fn answer(&self) -> Option<Result<Vec<String>, String>> {
        self.answers.try_iter().last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_panic_does_not_end_the_search() {
        let calls = AtomicUsize::new(0);
        let discover: Discover = Arc::new(move || match calls.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("on purpose"),
            _ => Ok(vec!["broker:9092".to_owned()]),
        });
        let counters = Arc::<Counters>::default();
        let search = Search::start(discover, Duration::from_millis(1), Arc::clone(&counters)).unwrap();
        assert_eq!(search.answers.recv(), Ok(Err(BUG.to_owned())));
        assert_eq!(search.answers.recv(), Ok(Ok(vec!["broker:9092".to_owned()])));
        assert_eq!(counters.framework_lookup_failures.get(), 1);
    }
}
