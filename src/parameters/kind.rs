//! Kinds of values and how their text is read. The rules are those of the old modules (`reference/metrics.md` 1.4), with
//! their wording kept inside longer messages: operators and scripts search for it.

use super::error::shown;
use std::marker::PhantomData;
use std::net::IpAddr;

/// What can be said about a text without knowing whether its parameter is used.
pub(super) trait Check: Sync {
    /// Refuses a text that would be wrong in any configuration. Bounds, addresses and empty texts pass: a template may
    /// leave them blank for an output that is switched off.
    fn check(&self, key: &str, text: &str) -> Result<(), String>;

    /// What is allowed, for the table in the documentation.
    fn allowed(&self) -> String;
}

/// A kind of value.
pub(super) trait Kind: Check {
    type Value;

    /// Reads the text of a parameter that is used; the error says what is allowed.
    fn read(&self, key: &str, text: &str) -> Result<Self::Value, String>;
}

/// `true` or `false`, of which only the first byte counts.
pub(super) struct Flag;

impl Check for Flag {
    fn check(&self, key: &str, text: &str) -> Result<(), String> {
        self.read(key, text).map(drop)
    }

    fn allowed(&self) -> String {
        "`true`, `false`".to_owned()
    }
}

impl Kind for Flag {
    type Value = bool;

    fn read(&self, _key: &str, text: &str) -> Result<bool, String> {
        match text.as_bytes().first() {
            Some(b't' | b'y' | b'1') => Ok(true),
            Some(b'f' | b'n' | b'0') => Ok(false),
            Some(_) => {
                Err("must start with t, y or 1 for true, or f, n or 0 for false, in lower case".to_owned())
            }
            None => Err("must be non-empty: true or false".to_owned()),
        }
    }
}

/// A whole number from `min` to `max`; the bounds hold only where the parameter is used.
pub(super) struct Integer<T> {
    unit: &'static str,
    min: u64,
    max: u64,
    read_as: PhantomData<T>,
}

/// `unit` is a plural, or empty for what is only a number.
pub(super) const fn integer<T>(unit: &'static str, min: u64, max: u64) -> Integer<T> {
    Integer {
        unit,
        min,
        max,
        read_as: PhantomData,
    }
}

impl<T: Sync> Integer<T> {
    fn range(&self) -> String {
        let range = if self.max == u64::MAX {
            format!("at least {} {}", self.min, self.unit)
        } else {
            format!("from {} to {} {}", self.min, self.max, self.unit)
        };
        range.trim_end().to_owned()
    }

    fn number(&self, text: &str) -> Result<u64, String> {
        strtol(text).map_err(|reason| format!("{reason}, {}", self.range()))
    }
}

impl<T: Sync> Check for Integer<T> {
    fn check(&self, _key: &str, text: &str) -> Result<(), String> {
        self.number(text).map(drop)
    }

    fn allowed(&self) -> String {
        self.range()
    }
}

impl<T: Sync + TryFrom<u64>> Kind for Integer<T> {
    type Value = T;

    fn read(&self, key: &str, text: &str) -> Result<T, String> {
        let number = self.number(text)?;
        let value = if (self.min..=self.max).contains(&number) {
            T::try_from(number).ok()
        } else {
            None
        };
        value.ok_or_else(|| {
            let non_zero = if number == 0 { "non-zero, " } else { "" };
            format!(
                "Invalid {key} config value: {number}; must be {non_zero}{}",
                self.range()
            )
        })
    }
}

/// C's `strtol` in base 10 over the whole of `text`: white space and a sign may lead, nothing may follow, the empty text
/// is 0. What is too great is `u64::MAX`, which the bounds then judge.
fn strtol(text: &str) -> Result<u64, &'static str> {
    if text.is_empty() {
        return Ok(0);
    }
    let number = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (negative, digits) = match number.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("must be int (base 10, nothing after it)");
    }
    match digits.parse().unwrap_or(u64::MAX) {
        0 => Ok(0),
        _ if negative => Err("must be non-negative"),
        number => Ok(number),
    }
}

/// One of a few words, exactly as they are written here.
pub(super) struct Choice<T: 'static>(pub(super) &'static [(&'static str, T)]);

impl<T: Copy + Sync> Check for Choice<T> {
    fn check(&self, key: &str, text: &str) -> Result<(), String> {
        self.read(key, text).map(drop)
    }

    fn allowed(&self) -> String {
        self.0
            .iter()
            .map(|(word, _)| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl<T: Copy + Sync> Kind for Choice<T> {
    type Value = T;

    fn read(&self, key: &str, text: &str) -> Result<T, String> {
        self.0
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, value)| *value)
            .ok_or_else(|| {
                let words = self
                    .0
                    .iter()
                    .map(|(word, _)| *word)
                    .collect::<Vec<_>>()
                    .join(", ");
                format!(
                    "Unknown {key} config value: {}; must be one of {words}, exactly as written here",
                    shown(text)
                )
            })
    }
}

/// Any text but the empty one. Spaces are part of it.
pub(super) struct Text;

impl Check for Text {
    fn check(&self, _key: &str, _text: &str) -> Result<(), String> {
        Ok(())
    }

    fn allowed(&self) -> String {
        "text".to_owned()
    }
}

impl Kind for Text {
    type Value = String;

    fn read(&self, _key: &str, text: &str) -> Result<String, String> {
        if text.is_empty() {
            return Err("must be non-empty".to_owned());
        }
        // Neither a path, nor an interface, nor a host name can be handed to the kernel or the resolver with one in it.
        if text.contains('\0') {
            return Err("must not contain a zero byte".to_owned());
        }
        Ok(text.to_owned())
    }
}

/// An IP literal.
pub(super) struct Ip;

impl Check for Ip {
    fn check(&self, _key: &str, _text: &str) -> Result<(), String> {
        Ok(())
    }

    fn allowed(&self) -> String {
        "IPv4 or IPv6 address".to_owned()
    }
}

impl Kind for Ip {
    type Value = IpAddr;

    fn read(&self, _key: &str, text: &str) -> Result<IpAddr, String> {
        if text.is_empty() {
            return Err("must be non-empty: an IPv4 or IPv6 address".to_owned());
        }
        text.parse().map_err(|_| {
            "must be an IPv4 or IPv6 address such as 127.0.0.1 or ::1, without brackets, zone or port; names are not \
             resolved"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn flags_as_in_the_vectors() {
        for text in ["t", "true", "y", "yes", "ye", "1", "true-ish"] {
            assert_eq!(Flag.read("k", text), Ok(true), "{text:?}");
        }
        for text in ["f", "false", "n", "no", "0"] {
            assert_eq!(Flag.read("k", text), Ok(false), "{text:?}");
        }
        for text in ["x", "hi", "2", "True", "on", " true"] {
            assert!(
                Flag.read("k", text).unwrap_err().contains("must start with"),
                "{text:?}"
            );
        }
        assert!(Flag.read("k", "").unwrap_err().contains("must be non-empty"));
    }

    #[test]
    fn integers_as_in_the_vectors() {
        let kind = integer::<u64>("things", 0, 1000);
        for (text, expected) in [
            ("", 0),
            ("123", 123),
            (" 12", 12),
            ("\t\x0b+12", 12),
            ("012", 12),
            ("-0", 0),
            ("1000", 1000),
        ] {
            assert_eq!(kind.read("k", text), Ok(expected), "{text:?}");
        }
        for (text, reason) in [
            ("-1", "must be non-negative, from 0 to 1000 things"),
            (
                "-99999999999999999999",
                "must be non-negative, from 0 to 1000 things",
            ),
            (
                "hi",
                "must be int (base 10, nothing after it), from 0 to 1000 things",
            ),
            (
                "12 ",
                "must be int (base 10, nothing after it), from 0 to 1000 things",
            ),
            (
                "12k",
                "must be int (base 10, nothing after it), from 0 to 1000 things",
            ),
            (
                "0x10",
                "must be int (base 10, nothing after it), from 0 to 1000 things",
            ),
            (
                "99999999999999999999 ",
                "must be int (base 10, nothing after it), from 0 to 1000 things",
            ),
            (
                "+-1",
                "must be int (base 10, nothing after it), from 0 to 1000 things",
            ),
            (
                " ",
                "must be int (base 10, nothing after it), from 0 to 1000 things",
            ),
            (
                "1001",
                "Invalid k config value: 1001; must be from 0 to 1000 things",
            ),
            (
                "99999999999999999999",
                "Invalid k config value: 18446744073709551615; must be from 0 to 1000 things",
            ),
        ] {
            assert_eq!(kind.read("k", text).unwrap_err(), reason, "{text:?}");
        }
    }

    proptest! {
        /// The naive twin goes digit by digit, as C does.
        #[test]
        fn integers_as_digit_by_digit(text in "[ \t\n]{0,2}[+-]{0,2}[0-9]{0,21}[ x]{0,1}") {
            let mut bytes = text.bytes().skip_while(u8::is_ascii_whitespace).peekable();
            let negative = bytes.next_if(|b| matches!(b, b'+' | b'-')) == Some(b'-');
            let digits: Vec<u8> = bytes.collect();
            let twin = if !text.is_empty() && (digits.is_empty() || !digits.iter().all(u8::is_ascii_digit)) {
                None
            } else {
                let number = digits.iter().fold(0_u128, |n, digit| n * 10 + u128::from(digit - b'0'));
                let number = u64::try_from(number).unwrap_or(u64::MAX);
                (number == 0 || !negative).then_some(number)
            };
            prop_assert_eq!(strtol(&text).ok(), twin);
        }
    }
}
