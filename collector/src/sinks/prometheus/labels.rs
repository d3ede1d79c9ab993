//! The label sets of all series. Series that belong to the same container share one.

use super::aliases::Aliases;
use super::names::{label_name, push_escaped};
use super::recorded::Refusal;
use hashbrown::{DefaultHashBuilder, HashTable};
use stats_schema::{Tag, TagRef};
use std::hash::BuildHasher;
use std::sync::Arc;

/// What the tags of a record may be long, with four bytes for each tag itself.
const MAX_TAG_BYTES: usize = 8 << 10;

/// The labels of one or more series.
#[derive(Debug)]
pub(super) struct LabelSet {
    /// Never that of another.
    pub(super) number: u64,
    /// `a="x",b="y"`: sorted, escaped, and empty without labels.
    pub(super) text: Box<str>,
}

/// All label sets in use. A set belongs to the series that hold it and is forgotten with the last of them.
#[derive(Debug)]
pub(super) struct LabelSets {
    sets: HashTable<Arc<LabelSet>>,
    aliases: Aliases<Box<[Tag]>>,
    hasher: DefaultHashBuilder,
    bytes: usize,
    next: u64,
}

impl LabelSets {
    /// None yet; their spellings may take `alias_bytes`.
    pub(super) fn new(alias_bytes: usize) -> Self {
        Self {
            sets: HashTable::new(),
            aliases: Aliases::new(alias_bytes),
            hasher: DefaultHashBuilder::default(),
            bytes: 0,
            next: 0,
        }
    }

    /// The memory that the sets take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of the set that these tags were remembered for.
    pub(super) fn known(&self, tags: &[TagRef<'_>]) -> Option<u64> {
        self.aliases.get(&tags, |known| same(known, tags))
    }

    /// The next time, [`LabelSets::known`] knows these tags.
    pub(super) fn remember(&mut self, tags: &[TagRef<'_>], number: u64) {
        let spelling: Box<[Tag]> = tags.iter().map(TagRef::to_owned).collect();
        let texts: usize = tags.iter().map(|tag| tag.key.len() + tag.value.len()).sum();
        let bytes = texts + size_of_val(&*spelling);
        self.aliases
            .put(spelling, bytes, number, |known| same(known, tags));
    }

    /// The set with this text.
    pub(super) fn find(&self, text: &str) -> Option<&Arc<LabelSet>> {
        self.sets
            .find(self.hasher.hash_one(text), |set| *set.text == *text)
    }

    /// Adds a set, which [`LabelSets::find`] did not.
    pub(super) fn create(&mut self, text: &str) -> Arc<LabelSet> {
        let set = Arc::new(LabelSet {
            number: self.next,
            text: text.into(),
        });
        self.next += 1;
        self.bytes += Self::cost(text);
        let hasher = &self.hasher;
        self.sets
            .insert_unique(hasher.hash_one(text), Arc::clone(&set), |set| {
                hasher.hash_one(&*set.text)
            });
        set
    }

    /// The memory that a set with this text takes, in bytes.
    pub(super) fn cost(text: &str) -> usize {
        text.len() + size_of::<LabelSet>() + 4 * size_of::<usize>()
    }

    /// Forgets the sets of no series.
    pub(super) fn sweep(&mut self) {
        self.sets.retain(|set| {
            let used = Arc::strong_count(set) > 1;
            if !used {
                self.bytes -= Self::cost(&set.text);
            }
            used
        });
    }
}

fn same(known: &[Tag], tags: &[TagRef<'_>]) -> bool {
    known.len() == tags.len()
        && known
            .iter()
            .zip(tags)
            .all(|(known, tag)| known.key == tag.key && known.value == tag.value)
}

/// The text of the label set of these tags.
pub(super) fn label_text(tags: &[TagRef<'_>]) -> Result<String, Refusal> {
    let bytes: usize = tags.iter().map(|tag| tag.key.len() + tag.value.len() + 4).sum();
    if bytes > MAX_TAG_BYTES {
        return Err(Refusal::LabelsTooLong);
    }
    let mut labels: Vec<(String, &str)> = tags.iter().map(|tag| (label_name(tag.key), tag.value)).collect();
    // Stable, so the first of a name stays the first.
    labels.sort_by(|one, other| one.0.cmp(&other.0));
    labels.dedup_by(|later, first| later.0 == first.0);
    let mut text = String::with_capacity(bytes);
    for (name, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        push_escaped(&mut text, value, true);
        text.push('"');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<TagRef<'a>> {
        pairs.iter().map(|&(key, value)| TagRef { key, value }).collect()
    }

    #[test]
    fn texts() {
        for (pairs, text) in [
            ([].as_slice(), ""),
            (&[("b", "2"), ("a", "1")], r#"a="1",b="2""#),
            (&[("a", "first"), ("a", "second")], r#"a="first""#),
            (&[("a.b", "first"), ("a-b", "second")], r#"a_b="first""#),
            // Not replaced either: an empty value is a value, only none that Prometheus has a label for.
            (&[("a", ""), ("a", "second")], ""),
            (&[("bare", ""), ("", "x")], r#"_="x""#),
            (&[("a", "\"\\\n")], r#"a="\"\\\n""#),
            (
                &[("le", "1"), ("exported_le", "2"), ("quantile", "3")],
                r#"exported_le="1",exported_quantile="3""#,
            ),
        ] {
            assert_eq!(label_text(&tags(pairs)).unwrap(), text, "{pairs:?}");
        }
    }

    #[test]
    fn length_is_bounded() {
        let long = "x".repeat(MAX_TAG_BYTES - 5);
        assert!(label_text(&tags(&[("a", &long)])).is_ok());
        assert_eq!(label_text(&tags(&[("ab", &long)])), Err(Refusal::LabelsTooLong));
        assert_eq!(
            label_text(&tags(&[("", ""); MAX_TAG_BYTES / 4 + 1])),
            Err(Refusal::LabelsTooLong)
        );
    }

    #[test]
    fn sets_live_as_long_as_they_are_held() {
        let mut sets = LabelSets::new(1 << 10);
        let held = sets.create("a");
        let number = sets.create("b").number;
        let sent = tags(&[("b", "")]);
        sets.remember(&sent, number);
        assert_eq!(sets.known(&sent), Some(number));
        assert_eq!(sets.known(&tags(&[("", "b")])), None);
        sets.sweep();
        assert_eq!(sets.bytes(), LabelSets::cost("a"));
        assert!(sets.find("b").is_none());
        assert!(Arc::ptr_eq(sets.find("a").unwrap(), &held));
        // A cache that still knows the old one leads nowhere.
        assert_ne!(sets.create("b").number, number);
    }
}
