//! The metrics of the last minutes as Prometheus reads them: a [`Registry`] that a sink's thread fills and HTTP
//! requests show.
//!
//! What a datapoint becomes, which the one type of 2016 (everything a gauge, `reference/metrics.md` 6.6, 8.1 no. 1)
//! could not say:
//!
//! | datapoint | series |
//! |---|---|
//! | counter | counter: the sum of all increments. Its name ends in `_total` in both formats |
//! | gauge, gauge_delta, unknown | gauge: the last value; a delta changes it, from 0 if it is the first |
//! | timer, histogram, distribution | summary: `_sum` and `_count` since the series began, a sample that stands for n events counting n times; quantiles 0.5, 0.9 and 0.99 of one minute, within 1 % |
//! | set | gauge: how many different members came in one minute, within a few per cent |
//!
//! *One minute* is the last one that is complete, counted from the series' first datapoint; during its first minute,
//! what has come so far. A minute without samples has the quantiles NaN and no members. Values keep the unit they were
//! sent in: a timer's are milliseconds.
//!
//! **Names.** What is not allowed becomes `_`, and a name that begins with a digit gets a `_` in front. Case is kept, as
//! lower-casing made names collide (8.1 no. 8). Labels are the tags; among tags with the same key, or keys that are the
//! same only once they are legal, the first counts, so that a task cannot replace an identity tag. A tag without value
//! is no label, since to Prometheus an empty label is an absent one. `quantile`, `le` and what begins with `__` belong
//! to Prometheus and become `exported_quantile` and so on, as Prometheus itself renames such labels.
//! Series whose names and labels are the same only once they are legal, are one series.
//!
//! **A name has one type**, else Prometheus refuses the whole page. Who comes first has the name; a datapoint of another
//! type goes to the name with `_increments`, `_value`, `_samples` or `_members` added, so nobody's metrics are lost to another
//! task's choice of names. Names that a family makes up (`_total`, `_sum`, `_count`) are protected the same way.
//!
//! **Bounds.** [`Limits`] says how many series there are and how much memory they take. What does not fit is refused and
//! counted, and the series that exist go on. A series costs about 130 bytes, a summary 1.3 kB more (at most 16.6 kB, for
//! values over nine orders of magnitude and both signs), a set up to 3.2 kB more. Where there is no memory for a sketch to
//! grow, `_sum` and `_count` go on, and [`Recorded::unsketched`] counts what the quantiles leave out. Labels cost their text, once for all
//! series that share them. A series that has not been updated for [`Limits::expiry`] disappears; if it comes back it
//! starts anew, which Prometheus takes for a counter's reset.
//!
//! **Speed.** A datapoint of a known series is two look-ups, by its name and by the pair of family and labels; tags are
//! looked up once a record. No text is built. A page is formatted from a copy of the numbers, so recording waits only for
//! the copy (and the quantiles of summaries in their first minute), which is a part of the few milliseconds that a page of
//! 20,000 series takes. `benches/prometheus.rs` measures both.

mod aliases;
mod families;
mod format;
mod labels;
mod names;
mod options;
mod recorded;
mod registry;
mod render;
mod series;
mod shown;
mod sink;
mod window;

pub use format::Format;
pub use options::PrometheusOptions;
pub use recorded::{Recorded, Refusal};
pub use registry::{Limits, Registry};
pub use sink::Prometheus;
