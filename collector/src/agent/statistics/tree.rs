//! The numbers in one container's statistics, whatever their shape.

use crate::agent::json;
use serde::Deserialize;
use serde_json::value::RawValue;
use stats_schema::{Datapoint, MetricType, Tag};

const PREFIX: &str = "dcos.metrics.container";

/// Deeper than any statistics of Mesos.
const MAX_DEPTH: usize = 8;

/// The longest key that becomes part of a name.
const MAX_KEY_BYTES: usize = 256;

/// Takes numbers out, as long as there is room for them.
pub(super) struct Tree<'a> {
    time_ms: i64,
    room: &'a mut usize,
    plain: Vec<Datapoint>,
    /// Datapoints with a tag of their own, by that tag, in order of appearance.
    tagged: Vec<(Tag, Vec<Datapoint>)>,
    pub(super) unsupported: u64,
}

#[derive(Deserialize)]
struct Blkio<'a> {
    #[serde(borrow)]
    device: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Device<'a> {
    #[serde(borrow)]
    major_number: Option<&'a RawValue>,
    #[serde(borrow)]
    minor_number: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Operation<'a> {
    #[serde(borrow)]
    op: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Volume<'a> {
    #[serde(borrow)]
    persistence: Option<&'a RawValue>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(time_ms: i64, room: &'a mut usize) -> Self {
        Self {
            time_ms,
            room,
            plain: Vec::new(),
            tagged: Vec::new(),
            unsupported: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.tagged.is_empty()
    }

    /// What was found, with the tag it has.
    pub(super) fn into_lists(self) -> impl Iterator<Item = (Option<Tag>, Vec<Datapoint>)> {
        let plain = (!self.plain.is_empty()).then_some((None, self.plain));
        let tagged = self
            .tagged
            .into_iter()
            .map(|(tag, datapoints)| (Some(tag), datapoints));
        plain.into_iter().chain(tagged)
    }

    pub(super) fn statistics(&mut self, statistics: &RawValue) {
        let mut name = PREFIX.to_owned();
        self.members(&mut name, statistics, |tree, name, key, value| match key {
            "timestamp" => {}
            "blkio_statistics" => tree.blkio(value),
            "disk_statistics" => tree.disks(value),
            _ => tree.value(name, value, None, 1),
        });
    }

    /// `{"throttling": [{"device": ..., "io_serviced": [{"op": "READ", "value": 1}]}]}`
    fn blkio(&mut self, statistics: &RawValue) {
        let mut name = format!("{PREFIX}.blkio");
        self.members(&mut name, statistics, |tree, name, _, kind| {
            tree.elements(kind, |tree, element| {
                let Some(blkio) = json::object::<Blkio>(element) else {
                    tree.unsupported += 1;
                    return;
                };
                let tag = Tag {
                    key: "blkio_device".to_owned(),
                    value: device(blkio.device),
                };
                tree.members(name, element, |tree, name, key, field| match key {
                    "device" => {}
                    _ if field.get().starts_with('[') => tree.operations(name, field, &tag),
                    _ => tree.value(name, field, Some(&tag), MAX_DEPTH),
                });
            });
        });
    }

    /// `[{"op": "READ", "value": 1}]`
    fn operations(&mut self, name: &mut String, operations: &RawValue, tag: &Tag) {
        self.elements(operations, |tree, operation| {
            let operation: Option<Operation> = json::object(operation);
            let Some((operation, value)) =
                operation.and_then(|operation| Some((json::text(operation.op)?, operation.value?)))
            else {
                tree.unsupported += 1;
                return;
            };
            let operation = operation.to_ascii_lowercase();
            tree.below(name, &operation, |tree, name| {
                tree.value(name, value, Some(tag), MAX_DEPTH);
            });
        });
    }

    /// `[{"persistence": {"id": "data"}, "used_bytes": 1}]`
    fn disks(&mut self, statistics: &RawValue) {
        let mut name = format!("{PREFIX}.disk");
        self.elements(statistics, |tree, disk| {
            let Some(volume) = json::object::<Volume>(disk) else {
                tree.unsupported += 1;
                return;
            };
            let id = [volume.persistence, volume.source]
                .into_iter()
                .find_map(|raw| json::text(json::object::<Id>(raw?)?.id));
            let tag = Tag {
                key: "disk_volume".to_owned(),
                value: id.map_or_else(|| "sandbox".to_owned(), std::borrow::Cow::into_owned),
            };
            tree.members(&mut name, disk, |tree, name, key, value| match key {
                "persistence" | "source" => {}
                _ => tree.value(name, value, Some(&tag), MAX_DEPTH),
            });
        });
    }

    /// Takes a number, or all that are in an object or array.
    fn value(&mut self, name: &mut String, value: &RawValue, tag: Option<&Tag>, depth: usize) {
        match value.get().as_bytes().first() {
            Some(b'{') if depth < MAX_DEPTH => {
                self.members(name, value, |tree, name, key, value| match key {
                    // When it was measured, and by which name it goes: both are no measurements.
                    "timestamp" | "id" => {}
                    _ => tree.value(name, value, tag, depth + 1),
                });
            }
            Some(b'[') if depth < MAX_DEPTH => {
                let mut number = 0;
                self.elements(value, |tree, element| {
                    let id = json::object::<Id>(element).and_then(|element| json::text(element.id));
                    let key = id.map_or_else(|| number.to_string(), std::borrow::Cow::into_owned);
                    number += 1;
                    tree.below(name, &key, |tree, name| tree.value(name, element, tag, depth + 1));
                });
            }
            _ => match json::number(value) {
                Some(number) if *self.room > 0 => self.push(name, number, tag),
                _ => self.unsupported += 1,
            },
        }
    }

    fn push(&mut self, name: &str, value: f64, tag: Option<&Tag>) {
        *self.room -= 1;
        let datapoint = Datapoint {
            name: name.to_owned(),
            time_ms: self.time_ms,
            value,
            metric_type: MetricType::Gauge,
            sample_rate: 1.0,
            text: None,
        };
        let Some(tag) = tag else {
            self.plain.push(datapoint);
            return;
        };
        // From the end, because values of one device come together.
        match self.tagged.iter_mut().rev().find(|(known, _)| known == tag) {
            Some((_, datapoints)) => datapoints.push(datapoint),
            None => self.tagged.push((tag.clone(), vec![datapoint])),
        }
    }

    /// Calls `each` with the name of every member.
    fn members(
        &mut self,
        name: &mut String,
        object: &RawValue,
        mut each: impl FnMut(&mut Self, &mut String, &str, &RawValue),
    ) {
        let read = json::members(object.get(), |key, value| {
            self.below(name, &key, |tree, name| each(tree, name, &key, value));
        });
        self.unsupported += u64::from(read.is_err());
    }

    fn elements(&mut self, array: &RawValue, mut each: impl FnMut(&mut Self, &RawValue)) {
        let read = json::elements(array.get(), |element| each(self, element));
        self.unsupported += u64::from(read.is_err());
    }

    /// Calls `then` with `name.key`.
    fn below(&mut self, name: &mut String, key: &str, then: impl FnOnce(&mut Self, &mut String)) {
        if key.len() > MAX_KEY_BYTES {
            self.unsupported += 1;
            return;
        }
        let length = name.len();
        name.push('.');
        name.push_str(key);
        then(self, name);
        name.truncate(length);
    }
}

/// `8:0`; `total` for all devices together, which is said by none or by the major number 0 (`reference/metrics.md` 6.4).
fn device(raw: Option<&RawValue>) -> String {
    let numbers = raw.and_then(json::object::<Device>).and_then(|device| {
        let number = |raw: &RawValue| raw.get().parse::<u64>().ok();
        let major = device.major_number.and_then(number).filter(|major| *major > 0)?;
        Some((major, device.minor_number.and_then(number).unwrap_or(0)))
    });
    numbers.map_or_else(|| "total".to_owned(), |(major, minor)| format!("{major}:{minor}"))
}
