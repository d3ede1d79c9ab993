//! Datapoints and dimensions as JSON.

use super::unit::unit;
use crate::http::store::{Dimension, Origin, Shown, ShownDatapoint};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

#[derive(Serialize)]
pub(super) struct Message<'a> {
    datapoints: Vec<Point<'a>>,
    dimensions: Dimensions<'a>,
}

#[derive(Serialize)]
struct Point<'a> {
    name: &'a str,
    #[serde(serialize_with = "number_or_nan")]
    value: f64,
    unit: &'static str,
    #[serde(serialize_with = "rfc3339")]
    timestamp: i64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<&'a str, &'a str>,
}

/// Those that the tags of this collector can say; `application_name` is new.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Dimensions<'a> {
    mesos_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executor_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    framework_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    framework_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<&'a str>,
    hostname: &'a str,
}

impl<'a> Message<'a> {
    pub(super) fn of(shown: &'a Shown) -> Self {
        Self {
            datapoints: shown.datapoints.iter().map(Point::of).collect(),
            dimensions: Dimensions::of(|dimension| shown.dimension(dimension)),
        }
    }

    /// All datapoints in one message, if there are any.
    pub(super) fn merged(all: &'a [(Origin, Shown)]) -> Option<Self> {
        let ((_, first), others) = all.split_first()?;
        let datapoints = all.iter().flat_map(|(origin, shown)| {
            shown.datapoints.iter().map(|datapoint| {
                let mut point = Point::of(datapoint);
                point
                    .tags
                    .extend(origin.container_id().map(|id| ("container_id", id)));
                point
            })
        });
        Some(Self {
            datapoints: datapoints.collect(),
            dimensions: Dimensions::of(|dimension| {
                let value = first.dimension(dimension);
                value.filter(|_| {
                    others
                        .iter()
                        .all(|(_, other)| other.dimension(dimension) == value)
                })
            }),
        })
    }
}

impl<'a> Point<'a> {
    fn of(datapoint: &'a ShownDatapoint) -> Self {
        Self {
            name: &datapoint.name,
            value: datapoint.value,
            unit: unit(&datapoint.name),
            timestamp: datapoint.time_ms,
            tags: datapoint.tags(),
        }
    }
}

impl<'a> Dimensions<'a> {
    fn of(value: impl Fn(Dimension) -> Option<&'a str>) -> Self {
        Self {
            mesos_id: value(Dimension::AgentId).unwrap_or_default(),
            container_id: value(Dimension::ContainerId),
            executor_id: value(Dimension::ExecutorId),
            framework_name: value(Dimension::FrameworkName),
            framework_id: value(Dimension::FrameworkId),
            application_name: value(Dimension::ApplicationName),
            task_name: value(Dimension::TaskName),
            task_id: value(Dimension::TaskId),
            hostname: value(Dimension::Hostname).unwrap_or_default(),
        }
    }
}

fn number_or_nan<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(*value)
    } else {
        serializer.serialize_str("NaN")
    }
}

/// A time that the format cannot express becomes the nearest that it can.
fn rfc3339<S: Serializer>(time_ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    let nearest = if *time_ms < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    serializer.collect_str(&Timestamp::from_millisecond(*time_ms).unwrap_or(nearest))
}
