//! Key/value pairs as modules get them, in order, each key once.

use super::error::{Assignment, ParameterError};

/// The parameters of one module, or of several merged.
///
/// A key is in the list once: the same pair again changes nothing, another value is an error. (The old modules let the
/// first value win and did not say so.)
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParameterList {
    pairs: Vec<(String, String)>,
}

impl ParameterList {
    /// An empty list, which stands for the defaults of 1.8.
    pub fn new() -> ParameterList {
        ParameterList::default()
    }

    /// A list of these pairs.
    ///
    /// # Errors
    ///
    /// [`ParameterError::Together`] when a key comes with two different values.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<ParameterList, ParameterError> {
        let mut list = ParameterList::new();
        for (key, value) in pairs {
            list.insert(key, value)?;
        }
        Ok(list)
    }

    /// Adds a pair at the end.
    ///
    /// # Errors
    ///
    /// [`ParameterError::Together`], and an unchanged list, when the key is there with another value.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) -> Result<(), ParameterError> {
        let (key, value) = (key.into(), value.into());
        match self.get(&key) {
            Some(present) if present == value => {}
            Some(present) => {
                return Err(ParameterError::together(
                    &Assignment::given(&key, present),
                    &Assignment::given(&key, &value),
                    "one parameter cannot have two values; keep one, in one module's list",
                ));
            }
            None => self.pairs.push((key, value)),
        }
        Ok(())
    }

    /// Adds the list of another module of the same library.
    ///
    /// # Errors
    ///
    /// [`ParameterError::Together`], and an unchanged list, when the two disagree about a key.
    pub fn merge(&mut self, other: &ParameterList) -> Result<(), ParameterError> {
        let mut merged = self.clone();
        for (key, value) in other.iter() {
            merged.insert(key, value)?;
        }
        *self = merged;
        Ok(())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find_map(|(present, value)| (present == key).then_some(value))
    }

    /// The pairs, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_merge_in_order() {
        let mut list = ParameterList::from_pairs([("a", "1"), ("b", "2"), ("a", "1")]).unwrap();
        list.merge(&ParameterList::from_pairs([("b", "2"), ("c", "3")]).unwrap())
            .unwrap();
        assert_eq!(
            list.iter().collect::<Vec<_>>(),
            [("a", "1"), ("b", "2"), ("c", "3")]
        );
    }

    #[test]
    fn two_values_of_one_key_are_named_and_nothing_is_merged() {
        let mut list = ParameterList::from_pairs([("k", "v")]).unwrap();
        let other = ParameterList::from_pairs([("new", "x"), ("k", "va")]).unwrap();
        let error = list.merge(&other).unwrap_err().to_string();
        assert_eq!(
            error,
            "k=\"v\" and k=\"va\": one parameter cannot have two values; keep one, in one module's list"
        );
        assert_eq!(list, ParameterList::from_pairs([("k", "v")]).unwrap());
    }
}
