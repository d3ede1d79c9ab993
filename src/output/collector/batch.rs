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

/// Memory that parts keep between batches, all together. Parts grow to what their containers send in one block, and giving
/// that back would mean to ask for it again with the next block, so this is several times the largest block.
const SPARE_BYTES: usize = 1 << 20;

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

    /// Adds a datapoint of `source`, whose slot is `slot`; the bytes it takes.
    pub(crate) fn push(
        &mut self,
        source: &Arc<Source>,
        slot: &mut Slot,
        tags: &CustomTags,
        datapoint: &DatapointRef<'_>,
    ) -> usize {
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
        let bytes = part.bytes() - before;
        self.bytes += bytes;
        self.datapoints += 1;
        bytes
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

        let mut kept = 0;
        for part in &mut self.parts {
            part.clear();
            if kept + part.capacity() > SPARE_BYTES {
                part.shrink_to(0);
            }
            kept += part.capacity();
        }
        self.sources.clear();
        self.number += 1;
        self.datapoints = 0;
        self.bytes = 0;
    }
}
