//! A cache from what is sent, as it is sent, to the number of what it means.
//!
//! Making names and labels legal and comparing them takes a microsecond. It is done once for every spelling, and this
//! remembers the result. Numbers are never used twice, so a spelling whose family or labels are gone does no harm:
//! there is no series with that number. When the cache is full it is emptied, and fills again with what is sent now.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::{BuildHasher, Hash};

/// Spellings and their numbers, within a number of bytes.
#[derive(Debug)]
pub(super) struct Aliases<K> {
    table: HashTable<Alias<K>>,
    // Seeded at random, as names and tags come from tasks.
    hasher: DefaultHashBuilder,
    bytes: usize,
    limit: usize,
}

#[derive(Debug)]
struct Alias<K> {
    spelling: K,
    number: u64,
}

impl<K: Hash> Aliases<K> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            bytes: 0,
            limit,
        }
    }

    /// The number of a spelling. `key` has the hash of the owned spelling that `same` finds equal to it.
    pub(super) fn get(&self, key: &impl Hash, same: impl Fn(&K) -> bool) -> Option<u64> {
        let alias = self
            .table
            .find(self.hasher.hash_one(key), |alias| same(&alias.spelling))?;
        Some(alias.number)
    }

    /// Remembers a spelling whose texts take `bytes`, instead of an equal one.
    pub(super) fn put(&mut self, spelling: K, bytes: usize, number: u64, same: impl Fn(&K) -> bool) {
        let hash = self.hasher.hash_one(&spelling);
        if let Some(alias) = self.table.find_mut(hash, |alias| same(&alias.spelling)) {
            alias.number = number;
            return;
        }
        // Twice, for the places a table keeps free.
        let bytes = bytes + 2 * size_of::<Alias<K>>();
        if self.bytes + bytes > self.limit {
            self.table.clear();
            self.bytes = 0;
        }
        if bytes <= self.limit {
            self.bytes += bytes;
            let hasher = &self.hasher;
            self.table
                .insert_unique(hash, Alias { spelling, number }, |alias| {
                    hasher.hash_one(&alias.spelling)
                });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_cache_starts_again() {
        let entry = 2 * size_of::<Alias<String>>() + 1;
        let mut aliases = Aliases::<String>::new(2 * entry);
        let get = |aliases: &Aliases<String>, text: &str| aliases.get(&text, |known| known == text);
        let put = |aliases: &mut Aliases<String>, text: &str, number| {
            aliases.put(text.to_owned(), text.len(), number, |known| known == text);
        };
        put(&mut aliases, "a", 1);
        put(&mut aliases, "b", 2);
        put(&mut aliases, "b", 3);
        assert_eq!((get(&aliases, "a"), get(&aliases, "b")), (Some(1), Some(3)));
        put(&mut aliases, "c", 4);
        assert_eq!(
            ["a", "b", "c"].map(|text| get(&aliases, text)),
            [None, None, Some(4)]
        );
        put(&mut aliases, &"d".repeat(entry * 2), 5);
        assert!(aliases.table.is_empty());
    }
}
