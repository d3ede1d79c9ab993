//! The families of all series: a name, and the one type that all series of this name have.

use super::aliases::Aliases;
use super::names::push_metric_name;
use super::recorded::Refusal;
use stats_schema::MetricType;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// The longest name, in bytes as sent.
const MAX_NAME_BYTES: usize = 512;

/// What the series of a family are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Summary,
    Set,
}

impl Kind {
    pub(super) fn of(metric_type: MetricType) -> Self {
        match metric_type {
            MetricType::Counter => Self::Counter,
            MetricType::Gauge | MetricType::GaugeDelta | MetricType::Unknown => Self::Gauge,
            MetricType::Timer | MetricType::Histogram | MetricType::Distribution => Self::Summary,
            MetricType::Set => Self::Set,
        }
    }

    /// The type in a page.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge | Self::Set => "gauge",
            Self::Summary => "summary",
        }
    }

    /// What is added to a name that a family of another kind has. Not the names of types, which a metric's name should
    /// not include, as promtool says.
    fn suffix(self) -> &'static str {
        match self {
            Self::Counter => "_increments",
            Self::Gauge => "_value",
            Self::Summary => "_samples",
            Self::Set => "_members",
        }
    }

    /// What is added to the name of a family for every name that its samples have, or that OpenMetrics reserves for
    /// such a family.
    fn claims(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["", "_total", "_created"],
            Self::Gauge | Self::Set => &[""],
            Self::Summary => &["", "_sum", "_count", "_created"],
        }
    }
}

/// The common part of all series of a name.
#[derive(Debug)]
pub(super) struct Family {
    /// Never that of another.
    pub(super) number: u64,
    pub(super) kind: Kind,
    /// Legal; a counter's is without `_total`.
    pub(super) name: Box<str>,
    /// What it is, with the name as the first datapoint had it. Not escaped.
    pub(super) help: Box<str>,
}

/// All families in use. A family belongs to the series that hold it; its names are free again after the last of them.
#[derive(Debug)]
pub(super) struct Families {
    claims: HashMap<Box<str>, Claim>,
    aliases: Aliases<(Box<str>, Kind)>,
    bytes: usize,
    next: u64,
}

/// Whose a name is.
#[derive(Debug)]
enum Claim {
    /// Of the page's own families, for ever.
    Reserved,
    Family(Weak<Family>),
}

/// Where datapoints of a name and kind go.
#[derive(Debug)]
pub(super) enum Place {
    /// Into this family.
    Exists(Arc<Family>),
    /// Into a family that is still to be created, with this name.
    Free(String),
}

impl Families {
    /// None yet; their spellings may take `alias_bytes`.
    pub(super) fn new(alias_bytes: usize) -> Self {
        Self {
            claims: HashMap::new(),
            aliases: Aliases::new(alias_bytes),
            bytes: 0,
            next: 0,
        }
    }

    /// The memory that the families take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps a name for others for ever.
    pub(super) fn reserve(&mut self, name: &str) {
        self.claims.insert(name.into(), Claim::Reserved);
    }

    /// The number of the family that this name was remembered for.
    pub(super) fn known(&self, name: &str, kind: Kind) -> Option<u64> {
        self.aliases
            .get(&(name, kind), |known| known.1 == kind && *known.0 == *name)
    }

    /// The next time, [`Families::known`] knows this name.
    pub(super) fn remember(&mut self, name: &str, kind: Kind, number: u64) {
        self.aliases
            .put((name.into(), kind), name.len(), number, |known| {
                known.1 == kind && *known.0 == *name
            });
    }

    /// The family of this name, as sent, or the name of the one to be created.
    pub(super) fn place(&self, sent: &str, kind: Kind) -> Result<Place, Refusal> {
        if sent.is_empty() || sent.len() > MAX_NAME_BYTES {
            return Err(Refusal::BadName);
        }
        let mut name = String::with_capacity(sent.len() + 8);
        push_metric_name(&mut name, sent);
        if kind == Kind::Counter
            && let Some(stem) = name.strip_suffix("_total").filter(|stem| !stem.is_empty())
        {
            name.truncate(stem.len());
        }
        for suffix in ["", kind.suffix()] {
            name.push_str(suffix);
            match self.owner(&name) {
                Some(Some(family)) if family.kind == kind && *family.name == *name => {
                    return Ok(Place::Exists(family));
                }
                None if claimed_names(&name, kind).all(|name| self.owner(&name).is_none()) => {
                    return Ok(Place::Free(name));
                }
                _ => {}
            }
        }
        Err(Refusal::NameTaken)
    }

    /// Adds a family with a name that [`Families::place`] said is free.
    pub(super) fn create(&mut self, name: &str, sent: &str, metric_type: MetricType) -> Arc<Family> {
        let kind = Kind::of(metric_type);
        let family = Arc::new(Family {
            number: self.next,
            kind,
            name: name.into(),
            help: help(sent, metric_type).into(),
        });
        self.next += 1;
        for name in claimed_names(name, kind) {
            self.bytes += claim_cost(&name);
            let claim = Claim::Family(Arc::downgrade(&family));
            if let Some((name, _)) = self.claims.remove_entry(&*name) {
                // Of a family that is gone, which no sweep has seen yet.
                self.bytes -= claim_cost(&name);
            }
            self.claims.insert(name.into(), claim);
        }
        family
    }

    /// The memory that a family with this name takes, in bytes.
    pub(super) fn cost(name: &str, kind: Kind) -> usize {
        claimed_names(name, kind).map(|name| claim_cost(&name)).sum()
    }

    /// Frees the names of families without series.
    pub(super) fn sweep(&mut self) {
        self.claims.retain(|name, claim| match claim {
            Claim::Reserved => true,
            Claim::Family(family) if family.strong_count() > 0 => true,
            Claim::Family(_) => {
                self.bytes -= claim_cost(name);
                false
            }
        });
    }

    /// Whose a name is: nobody's, reserved, or a family's.
    #[expect(
        clippy::option_option,
        reason = "taken without a family is what reserved means"
    )]
    fn owner(&self, name: &str) -> Option<Option<Arc<Family>>> {
        match self.claims.get(name)? {
            Claim::Reserved => Some(None),
            Claim::Family(family) => family.upgrade().map(Some),
        }
    }
}

/// All names that a family of this name and kind has to itself.
fn claimed_names(name: &str, kind: Kind) -> impl Iterator<Item = String> {
    kind.claims().iter().map(move |suffix| format!("{name}{suffix}"))
}

/// A share of the family's own memory for each of its names; a help text has at most four bytes for each of the name's.
fn claim_cost(name: &str) -> usize {
    size_of::<Family>() + 2 * size_of::<(Box<str>, Claim)>() + 6 * name.len() + 64
}

fn help(sent: &str, metric_type: MetricType) -> String {
    match metric_type {
        MetricType::Set => format!("Different members of the set {sent} in a minute"),
        MetricType::Timer => format!("timer {sent}, in milliseconds"),
        MetricType::Unknown => format!("{sent}, of a type that its sender did not say"),
        MetricType::GaugeDelta => format!("gauge {sent}"),
        other => format!("{other} {sent}"),
    }
}

#[cfg(test)]
mod tests;
