//! A block assembled from the parts of many containers.
//!
//! Datapoints arrive container by container in any order, while in a block the records stand container after
//! container, each beginning with the list of its datapoints that have no tags of their own
//! (`reference/metrics.md` 1.18, 1.19). So every container collects its bytes in a [`Part`], and
//! [`write_block`] copies the parts one after the other. What never changes about a container, its topic and
//! tags, is rendered once in its [`Identity`].

use super::{count_len, put_count, put_datapoint, put_string};
use crate::{DatapointRef, Layout, SYNC_MARKER};

/// A container's topic and tags as Avro bytes.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Topic and the complete array of tags: what a list without custom tags begins with.
    list_start: Vec<u8>,
    /// Where in `list_start` the topic ends.
    topic_end: usize,
    /// Where in `list_start` the first tag begins; the last one ends before the final zero.
    tags_start: usize,
    tags: usize,
}

impl Identity {
    /// Renders `topic` and `tags` (key, value), in this order.
    #[must_use]
    pub fn new(topic: &str, tags: &[(&str, &str)]) -> Self {
        let mut list_start = Vec::new();
        put_string(&mut list_start, topic);
        let topic_end = list_start.len();
        if !tags.is_empty() {
            put_count(&mut list_start, tags.len());
        }
        let tags_start = list_start.len();
        for (key, value) in tags {
            put_string(&mut list_start, key);
            put_string(&mut list_start, value);
        }
        list_start.push(0);
        list_start.shrink_to_fit();
        Self {
            list_start,
            topic_end,
            tags_start,
            tags: tags.len(),
        }
    }

    fn topic(&self) -> &[u8] {
        &self.list_start[..self.topic_end]
    }

    fn tags(&self) -> &[u8] {
        &self.list_start[self.tags_start..self.list_start.len() - 1]
    }
}

/// The tags one line brought along, as Avro bytes. Cleared and filled again for every line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CustomTags {
    bytes: Vec<u8>,
    tags: usize,
}

impl CustomTags {
    /// Appends a tag. Duplicates and empty halves are kept; what to skip is the parser's decision.
    #[inline]
    pub fn push(&mut self, key: &str, value: &str) {
        put_string(&mut self.bytes, key);
        put_string(&mut self.bytes, value);
        self.tags += 1;
    }

    /// Forgets all tags, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.tags = 0;
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tags == 0
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tags
    }
}

/// One container's share of the block being built.
///
/// All pushes between two calls of [`Part::clear`] must have the same layout and identity, and the identity must
/// be the one given to [`write_block`]: the bytes are final as soon as they are pushed.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Datapoints of the one list without custom tags.
    untagged: Vec<u8>,
    untagged_datapoints: usize,
    /// What that list needs besides its datapoints, in bytes; 0 as long as there is no such list.
    untagged_frame: usize,
    /// Whole records, one for every datapoint with custom tags.
    tagged: Vec<u8>,
    tagged_records: usize,
}

impl Part {
    /// Appends a datapoint: to the list of those without custom tags, or as a record of its own.
    #[inline]
    pub fn push(
        &mut self,
        layout: Layout,
        identity: &Identity,
        tags: &CustomTags,
        datapoint: &DatapointRef<'_>,
    ) {
        if tags.is_empty() {
            put_datapoint(&mut self.untagged, layout, datapoint);
            self.untagged_datapoints += 1;
            self.untagged_frame = identity.list_start.len() + 2;
        } else {
            let out = &mut self.tagged;
            out.extend_from_slice(identity.topic());
            put_count(out, identity.tags + tags.tags);
            out.extend_from_slice(identity.tags());
            out.extend_from_slice(&tags.bytes);
            out.push(0);
            put_count(out, 1);
            put_datapoint(out, layout, datapoint);
            out.push(0);
            self.tagged_records += 1;
        }
    }

    /// Whether nothing was pushed since the last [`Part::clear`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.datapoints() == 0
    }

    /// How many datapoints were pushed since the last [`Part::clear`].
    #[must_use]
    pub fn datapoints(&self) -> usize {
        self.untagged_datapoints + self.tagged_records
    }

    /// The bytes this part adds to the block, short by a few when the list without tags is long.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.untagged_frame + self.untagged.len() + self.tagged.len()
    }

    /// The memory held for bytes to come, in bytes.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.untagged.capacity() + self.tagged.capacity()
    }

    /// Forgets all datapoints, keeps the memory.
    pub fn clear(&mut self) {
        self.untagged.clear();
        self.untagged_datapoints = 0;
        self.untagged_frame = 0;
        self.tagged.clear();
        self.tagged_records = 0;
    }

    /// Gives memory back until each of the two buffers holds at most `capacity` bytes, or what is in it.
    pub fn shrink_to(&mut self, capacity: usize) {
        self.untagged.shrink_to(capacity);
        self.tagged.shrink_to(capacity);
    }

    fn records(&self) -> usize {
        self.tagged_records + usize::from(self.untagged_datapoints > 0)
    }

    /// The exact size of what [`Part::write`] appends.
    fn len(&self, identity: &Identity) -> usize {
        let untagged = if self.untagged_datapoints == 0 {
            0
        } else {
            identity.list_start.len() + count_len(self.untagged_datapoints) + self.untagged.len() + 1
        };
        untagged + self.tagged.len()
    }

    fn write(&self, out: &mut Vec<u8>, identity: &Identity) {
        if self.untagged_datapoints > 0 {
            out.extend_from_slice(&identity.list_start);
            put_count(out, self.untagged_datapoints);
            out.extend_from_slice(&self.untagged);
            out.push(0);
        }
        out.extend_from_slice(&self.tagged);
    }
}

/// Appends one block of all `parts` in the given order, or nothing if they hold no datapoint. The order of old
/// is by container id, bytewise, with `unknown_container` sorted among them; the caller sees to it.
pub fn write_block<'a>(out: &mut Vec<u8>, parts: impl Iterator<Item = (&'a Identity, &'a Part)> + Clone) {
    let mut records = 0;
    let mut len = 0;
    for (identity, part) in parts.clone() {
        records += part.records();
        len += part.len(identity);
    }
    if records == 0 {
        return;
    }
    out.reserve(count_len(records) + count_len(len) + len + SYNC_MARKER.len());
    put_count(out, records);
    put_count(out, len);
    for (identity, part) in parts {
        part.write(out, identity);
    }
    out.extend_from_slice(&SYNC_MARKER);
}
