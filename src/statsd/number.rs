//! Numbers as the old system read and wrote them: C++ `stod` and the default format of a C++ stream.

/// What a value's text holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A number that can be passed on.
    Finite(f64),
    /// An infinity or not a number, written out as such.
    NonFinite,
    /// No number at all, or one out of a double's range. The old system made it 0.
    Corrupt,
}

/// Reads the longest prefix of `text` that is a number, after white space (`reference/metrics.md` 1.18 rule 2): decimal,
/// hexadecimal, `inf`, `infinity` and `nan`, with sign. What follows the number is ignored.
#[must_use]
pub fn parse(text: &str) -> Number {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let decimal = decimal_prefix(text.as_bytes());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(digits) = unsigned
        .strip_prefix("0x")
        .or_else(|| unsigned.strip_prefix("0X"))
        && let Some(value) = hexadecimal(digits)
    {
        return finite(if text.starts_with('-') { -value } else { value }, false);
    }
    if decimal > 0 {
        let prefix = &text[..decimal];
        return prefix.parse().map_or(Number::Corrupt, |value| {
            finite(value, value == 0.0 && mantissa_is_not_zero(prefix))
        });
    }
    let word = |word: &str| {
        unsigned
            .get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if word("inf") || word("nan") {
        Number::NonFinite
    } else {
        Number::Corrupt
    }
}

/// Range errors of `stod` are overflow, and results too small to have all their bits.
fn finite(value: f64, underflow: bool) -> Number {
    if underflow || value.is_infinite() || value.is_subnormal() {
        Number::Corrupt
    } else {
        Number::Finite(value)
    }
}

fn mantissa_is_not_zero(decimal: &str) -> bool {
    decimal
        .bytes()
        .take_while(|byte| !byte.eq_ignore_ascii_case(&b'e'))
        .any(|byte| matches!(byte, b'1'..=b'9'))
}

/// The length of the longest decimal number at the start of `text`; 0 if there is none.
fn decimal_prefix(text: &[u8]) -> usize {
    let digits = |from: usize| {
        text[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let start = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits(start);
    let mut end = start + whole;
    let mut fraction = 0;
    if text.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return 0;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits((end + 1 + sign).min(text.len()));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    end
}

/// The number behind a `0x`: digits, perhaps a fraction, perhaps a binary exponent. `None` if there is no digit, for then
/// the number is the 0 before the x.
fn hexadecimal(text: &str) -> Option<f64> {
    let mut mantissa = 0.0_f64;
    let mut digits = 0;
    let mut fraction = false;
    let mut exponent = 0_i32;
    let mut rest = text;
    for (at, character) in text.char_indices() {
        rest = &text[at..];
        match character.to_digit(16) {
            Some(digit) => {
                mantissa = mantissa * 16.0 + f64::from(digit);
                digits += 1;
                exponent -= if fraction { 4 } else { 0 };
            }
            None if character == '.' && !fraction => fraction = true,
            None => break,
        }
        rest = &text[at + character.len_utf8()..];
    }
    if digits == 0 {
        return None;
    }
    if let Some(power) = rest.strip_prefix(['p', 'P']) {
        let sign = usize::from(power.starts_with(['+', '-']));
        let length = sign + power[sign..].bytes().take_while(u8::is_ascii_digit).count();
        if length > sign {
            // Further than this, the result is 0 or infinite whatever the mantissa of a datagram's length.
            let limit = 1_000_000;
            exponent += power[..length]
                .parse()
                .unwrap_or(if power.starts_with('-') { -limit } else { limit })
                .clamp(-limit, limit);
        }
    }
    Some(mantissa * f64::from(exponent).exp2())
}

/// Writes `value` as a C++ stream does by default, that is, like `printf("%g")`: six significant digits, no trailing zeros,
/// an exponent from a million up and below a ten-thousandth (`reference/metrics.md` 1.15).
#[must_use]
pub fn format(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}").to_lowercase();
    }
    let scientific = format!("{value:.5e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |digits: &str| match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => digits.to_owned(),
    };
    if (-4..6).contains(&exponent) {
        let decimals = usize::try_from(5 - exponent).unwrap_or(0);
        return trim(&format!("{value:.decimals$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_stod_reads() {
        use Number::{Corrupt, Finite, NonFinite};
        for (text, expected) in [
            ("0.35", Finite(0.35)),
            ("", Corrupt),
            (" ", Corrupt),
            ("hi", Corrupt),
            ("+5", Finite(5.0)),
            ("-5", Finite(-5.0)),
            (" 7", Finite(7.0)),
            ("\t\r 7", Finite(7.0)),
            ("5xyz", Finite(5.0)),
            ("1:2", Finite(1.0)),
            ("1.", Finite(1.0)),
            (".5", Finite(0.5)),
            ("-.5e1", Finite(-5.0)),
            (".", Corrupt),
            ("+", Corrupt),
            ("-e5", Corrupt),
            ("1e", Finite(1.0)),
            ("1e+", Finite(1.0)),
            ("1e+2", Finite(100.0)),
            ("1e2e3", Finite(100.0)),
            ("1e999", Corrupt),
            ("-1e999", Corrupt),
            ("1e-320", Corrupt),
            ("1e-999", Corrupt),
            ("0e-999", Finite(0.0)),
            ("0.000", Finite(0.0)),
            ("2.2250738585072014e-308", Finite(f64::MIN_POSITIVE)),
            ("inf", NonFinite),
            ("-INFINITY", NonFinite),
            ("nan", NonFinite),
            ("NaN(1)", NonFinite),
            ("0x10", Finite(16.0)),
            ("-0x1.8p1", Finite(-3.0)),
            ("0X.8P-1", Finite(0.25)),
            ("0x", Finite(0.0)),
            ("0xg", Finite(0.0)),
            ("0x1p", Finite(1.0)),
            ("0x1p99999999999", Corrupt),
            ("é", Corrupt),
            ("0xé", Finite(0.0)),
            ("1é", Finite(1.0)),
            ("1_000", Finite(1.0)),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn writes_six_significant_digits() {
        // metrics-vectors.md 3.3
        for (value, text) in [
            (0.0, "0"),
            (10.0 / 0.5, "20"),
            (1.0 / 60.0, "0.0166667"),
            (3707.0 / 60.0, "61.7833"),
            (5_999_999.0 / 60.0, "100000"),
            (10_485_760.0 / 60.0, "174763"),
            (59_999_940.0 / 60.0, "999999"),
            (83_886_080.0 / 60.0, "1.3981e+06"),
            (7.0, "7"),
            (999_999.5, "1e+06"),
            (0.0001, "0.0001"),
            (0.000_099_999_99, "0.0001"),
            (0.00001, "1e-05"),
            (1e100, "1e+100"),
            (-2.5, "-2.5"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(format(value), text);
        }
    }
}
