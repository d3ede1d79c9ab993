//! Datapoints of all containers, collected for the next block.

use stats_schema::{CustomTags, DatapointRef, Identity, Layout, Part};
use std::sync::Arc;

/// What a container's records carry, and their place among those of others.
pub(crate) struct Source {
    /// Records are ordered by it, as the old module ordered them (`reference/metrics.md` 1.19).
    pub(crate) container_id: String,
    pub(crate) identity: Identity,
}

/// Remembers which part of the current batch is a source's, so that it need not be looked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slot {
    /// 0 is the number of no batch.
    batch: u64,
    part: usize,
}

/// The block being built, a part for each source.
pub(crate) struct Batch {
    layout: Layout,
    number: u64,
    sources: Vec<Arc<Source>>,
    /// At least as many as sources; those behind are empty and keep their memory for later.
    parts: Vec<Part>,
    order: Vec<usize>,
    datapoints: u64,
    bytes: usize,
}

/// Parts kept between batches, and the most each may hold on to: 64 x 16 KiB is the most an idle batch costs.
const SPARE_PARTS: usize = 64;
const SPARE_BYTES: usize = 16 << 10;

impl Batch {
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            layout,
            number: 1,
            sources: Vec::new(),
            parts: Vec::new(),
            order: Vec::new(),
            datapoints: 0,
            bytes: 0,
        }
    }

    /// Adds a datapoint of `source`, whose slot is `slot`.
    pub(crate) fn push(
        &mut self,
        source: &Arc<Source>,
        slot: &mut Slot,
        tags: &CustomTags,
        datapoint: &DatapointRef<'_>,
    ) {
        if slot.batch != self.number {
            *slot = Slot {
                batch: self.number,
                part: self.sources.len(),
            };
            self.sources.push(Arc::clone(source));
            if self.parts.len() < self.sources.len() {
                self.parts.push(Part::default());
            }
        }
        let part = &mut self.parts[slot.part];
        let before = part.bytes();
        part.push(self.layout, &source.identity, tags, datapoint);
        self.bytes += part.bytes() - before;
        self.datapoints += 1;
    }

    pub(crate) fn datapoints(&self) -> u64 {
        self.datapoints
    }

    /// The size the block has so far, in bytes and nearly.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Writes the block, and begins a new one.
    pub(crate) fn write_block(&mut self, out: &mut Vec<u8>) {
        self.order.clear();
        self.order.extend(0..self.sources.len());
        let sources = &self.sources;
        self.order
            .sort_unstable_by(|&a, &b| sources[a].container_id.cmp(&sources[b].container_id));
        let parts = &self.parts;
        stats_schema::write_block(
            out,
            self.order.iter().map(|&at| (&sources[at].identity, &parts[at])),
        );

        for part in &mut self.parts[..self.sources.len()] {
            part.clear();
            part.shrink_to(SPARE_BYTES);
        }
        self.parts.truncate(SPARE_PARTS);
        self.sources.clear();
        self.number += 1;
        self.datapoints = 0;
        self.bytes = 0;
    }
}
