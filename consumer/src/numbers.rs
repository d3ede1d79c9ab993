//! What backends that store one number under a name make of the metric types.

use crate::counters::{Counters, add};
use stats_schema::{DatapointRef, MetricType};

/// Ends the name of a gauge's changes, which are no values of that gauge.
pub(crate) const DELTA: &str = "delta";

/// The number to store. None, counted, if there is none: NaN and infinities are no measurements, and a set's member is a text.
pub(crate) fn number(datapoint: &DatapointRef<'_>, counters: &Counters) -> Option<f64> {
    if datapoint.metric_type == MetricType::Set {
        add(&counters.not_a_number, 1);
    } else if !datapoint.value.is_finite() {
        add(&counters.not_finite, 1);
    } else {
        return Some(datapoint.value);
    }
    None
}

/// [`DELTA`] for a gauge's change. All other types keep the name they came with.
pub(crate) fn name_suffix(datapoint: &DatapointRef<'_>) -> Option<&'static str> {
    (datapoint.metric_type == MetricType::GaugeDelta).then_some(DELTA)
}
