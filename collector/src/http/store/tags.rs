//! A datapoint's own tags, stored once for all series of a container that have the same.

use super::dimension::Dimension;
use stats_schema::TagRef;
use std::hash::BuildHasher;

/// Tags in the order in which they came first; the same tags in another order are the same set.
#[derive(Debug)]
pub(super) struct TagSet {
    pub(super) hash: u64,
    pub(super) tags: Box<[(Box<str>, Box<str>)]>,
}

/// The tags of a record that are its datapoints' own.
#[derive(Clone, Copy)]
pub(super) struct OwnTags<'a> {
    tags: &'a [TagRef<'a>],
    count: usize,
    pub(super) hash: u64,
}

impl<'a> OwnTags<'a> {
    pub(super) fn of(tags: &'a [TagRef<'a>], hasher: &impl BuildHasher) -> Self {
        let (mut count, mut hash) = (0, 0_u64);
        for tag in own(tags) {
            count += 1;
            // A sum, because the order means nothing. Each part is keyed at random, so nobody can aim at a sum.
            hash = hash.wrapping_add(hasher.hash_one((tag.key, tag.value)));
        }
        Self { tags, count, hash }
    }

    /// Whether these are the tags of `set`.
    pub(super) fn are(&self, set: &TagSet) -> bool {
        let stored = || set.tags.iter().map(|(key, value)| (&**key, &**value));
        let ours = || own(self.tags).map(|tag| (tag.key, tag.value));
        self.hash == set.hash
            && self.count == set.tags.len()
            && (ours().eq(stored()) || sorted(ours()) == sorted(stored()))
    }

    pub(super) fn to_set(self) -> TagSet {
        TagSet {
            hash: self.hash,
            tags: own(self.tags)
                .map(|tag| (tag.key.into(), tag.value.into()))
                .collect(),
        }
    }

    /// The memory that they will take as a set, in bytes, with their place in a table that keeps places free.
    pub(super) fn cost(&self) -> usize {
        let texts: usize = own(self.tags).map(|tag| tag_bytes(tag.key, tag.value)).sum();
        SET_BYTES + texts
    }
}

impl TagSet {
    /// As [`OwnTags::cost`] said.
    pub(super) fn bytes(&self) -> usize {
        let texts: usize = self.tags.iter().map(|(key, value)| tag_bytes(key, value)).sum();
        SET_BYTES + texts
    }
}

const SET_BYTES: usize = size_of::<TagSet>() + 2 * size_of::<usize>() + 2 * (size_of::<usize>() + 1);

fn tag_bytes(key: &str, value: &str) -> usize {
    size_of::<(Box<str>, Box<str>)>() + key.len() + value.len()
}

fn own<'a>(tags: &'a [TagRef<'a>]) -> impl Iterator<Item = &'a TagRef<'a>> {
    tags.iter().filter(|tag| Dimension::of(tag.key).is_none())
}

fn sorted<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    let mut tags: Vec<_> = tags.collect();
    tags.sort_unstable();
    tags
}
