//! JSON read a member at a time.
//!
//! A typed parser gives up at the first fault. Here every level hands out its members unread, as [`RawValue`]s, so a
//! fault costs the member it is in. Nothing is collected: an array of millions of empty elements takes no memory.

use serde::de::{Deserialize, Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The longest id or name that is taken. Each may be copied into many tags.
pub(super) const MAX_TEXT_BYTES: usize = 1024;

/// Calls `each` for every element of the array `json`. What came before a fault was handed out.
pub(super) fn elements<'a>(json: &'a str, each: impl FnMut(&'a RawValue)) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_seq(Elements(each))?;
    deserializer.end()
}

/// Calls `each` for every key and value of the object `json`. What came before a fault was handed out.
pub(super) fn members<'a>(
    json: &'a str,
    each: impl FnMut(Cow<'a, str>, &'a RawValue),
) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(Members(each))?;
    deserializer.end()
}

/// The object's known fields.
pub(super) fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    // A derived implementation would take an array too, for an object whose keys were left out.
    if !raw.get().starts_with('{') {
        return None;
    }
    serde_json::from_str(raw.get()).ok()
}

/// The text, if it is one of at most [`MAX_TEXT_BYTES`].
pub(super) fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let Text(text) = serde_json::from_str(raw?.get()).ok()?;
    (text.len() <= MAX_TEXT_BYTES).then_some(text)
}

/// The number, if it is one and finite.
pub(super) fn number(raw: &RawValue) -> Option<f64> {
    let text = raw.get();
    // Rust reads more than JSON has, "inf" for example. And serde_json would refuse a number that is too large.
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        .then(|| text.parse().ok())?
        .filter(|number: &f64| number.is_finite())
}

/// Unlike a bare `Cow`, borrows where it can.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Elements<F>(F);

impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<(), A::Error> {
        while let Some(element) = access.next_element()? {
            (self.0)(element);
        }
        Ok(())
    }
}

struct Members<F>(F);

impl<'de, F: FnMut(Cow<'de, str>, &'de RawValue)> Visitor<'de> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<(), A::Error> {
        while let Some((Text(key), value)) = access.next_entry()? {
            (self.0)(key, value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_numbers_are_numbers() {
        for (json, expected) in [
            ("0", Some(0.0)),
            ("-0.5", Some(-0.5)),
            ("18446744073709551615", Some(18_446_744_073_709_551_615.0)),
            ("1e308", Some(1e308)),
            ("1e-999", Some(0.0)),
            ("1e999", None),
            ("-1e999", None),
            ("null", None),
            ("true", None),
            ("\"1\"", None),
            ("[1]", None),
            ("{}", None),
        ] {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            assert_eq!(number(raw), expected, "{json}");
        }
    }

    #[test]
    fn an_array_is_no_object_and_the_other_way_round() {
        #[derive(serde::Deserialize)]
        struct One<'a> {
            #[serde(borrow)]
            _a: Option<&'a RawValue>,
        }
        for json in ["[1]", "[]", "1", "null", "\"{\""] {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            assert!(object::<One>(raw).is_none(), "{json}");
            assert!(members(json, |_, _| {}).is_err(), "{json}");
        }
        assert!(elements("{}", |_| {}).is_err());
        assert!(elements("[1] 2", |_| {}).is_err());
        assert!(elements("[1,]", |_| {}).is_err());
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        let mut seen = 0;
        elements(&deep, |_| seen += 1).unwrap();
        assert_eq!(seen, 1);
    }
}
