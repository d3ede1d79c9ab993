//! What was taken in, handed on, and dropped for which reason.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// The counts of all workers since the start.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: AtomicU64,)+
        }

        /// [`Counters`] at one moment, or what was added between two.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Snapshot {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl Counters {
            /// The counts now.
            #[must_use]
            pub fn snapshot(&self) -> Snapshot {
                Snapshot { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }

        impl Snapshot {
            /// What was added since `earlier`.
            #[must_use]
            pub fn since(&self, earlier: &Self) -> Self {
                Self { $($name: self.$name.wrapping_sub(earlier.$name),)+ }
            }
        }

        const NAMES: &[&str] = &[$(stringify!($name),)+];

        impl Snapshot {
            fn values(&self) -> [u64; NAMES.len()] {
                [$(self.$name,)+]
            }
        }
    };
}

counters! {
    /// Kafka messages.
    records,
    /// Bytes of their keys and values.
    bytes,
    /// Messages that could not be read to their end.
    errors,
    /// Lists read.
    metriclists,
    /// Lists of frameworks that are not wanted.
    filtered,
    /// Datapoints of the lists that are wanted.
    datapoints,
    /// Tags of those lists.
    tags,
    /// Datapoints the backend took.
    delivered,
    /// Datapoints that are no finite number.
    not_finite,
    /// Datapoints without a number, such as members of sets, for a backend that has numbers only.
    not_a_number,
    /// Datapoints whose name, or whose member of a set, is empty, for a backend that cannot tell.
    empty,
    /// Datapoints whose encoding is longer than the backend takes.
    too_long,
    /// Datapoints the backend refused.
    refused,
    /// Attempts to deliver that failed.
    failures,
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Ordering::Relaxed);
}

impl Snapshot {
    /// The counts with their rates per second over `elapsed`.
    #[must_use]
    pub fn with_rates(&self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs_f64().max(0.001);
        let counts = NAMES.iter().zip(self.values()).map(|(name, value)| {
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let rate = value as f64 / seconds;
            format!("{name}={value} ({rate:.1}/s)")
        });
        counts.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_a_difference() {
        let counters = Counters::default();
        add(&counters.records, 3);
        let before = counters.snapshot();
        add(&counters.records, 5);
        add(&counters.failures, 1);
        let line = counters
            .snapshot()
            .since(&before)
            .with_rates(Duration::from_secs(2));
        assert!(line.starts_with("records=5 (2.5/s), bytes=0 (0.0/s), "), "{line}");
        assert!(line.ends_with(", failures=1 (0.5/s)"), "{line}");
    }
}
