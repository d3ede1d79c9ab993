//! Histories as small drawings.

use std::fmt::{self, Display, Formatter};

/// A history as an SVG image of `samples` places; a shorter one is at the right.
pub(super) struct Sparkline<'a> {
    /// Oldest first.
    pub(super) history: &'a [f32],
    /// How many samples fill the width.
    pub(super) samples: usize,
    /// What it shows, for who cannot see it. Not escaped: never a text from outside.
    pub(super) label: &'static str,
}

const HEIGHT: f32 = 30.0;

impl Display for Sparkline<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = self.samples.saturating_sub(1).max(1);
        let highest = self.history.iter().copied().fold(0.0, f32::max);
        write!(
            f,
            "<svg class=\"sparkline\" role=\"img\" aria-label=\"{}, {} at most\" viewBox=\"0 -1 {width} {}\" \
             preserveAspectRatio=\"none\">",
            self.label,
            Rate(highest),
            HEIGHT + 2.0,
        )?;
        let history = &self.history[self.history.len().saturating_sub(self.samples)..];
        if history.len() > 1 {
            let left = self.samples - history.len();
            f.write_str("<path class=\"area\" d=\"")?;
            write!(f, "M{left} {HEIGHT}")?;
            line(f, history, left, highest)?;
            write!(f, "L{width} {HEIGHT}Z\"/><path class=\"line\" d=\"")?;
            write!(f, "M{left} {:.1}", y(history[0], highest))?;
            line(f, history, left, highest)?;
            f.write_str("\"/>")?;
        }
        f.write_str("</svg>")
    }
}

fn line(f: &mut Formatter<'_>, history: &[f32], left: usize, highest: f32) -> fmt::Result {
    for (index, value) in history.iter().enumerate() {
        write!(f, "L{} {:.1}", left + index, y(*value, highest))?;
    }
    Ok(())
}

fn y(value: f32, highest: f32) -> f32 {
    if highest > 0.0 {
        HEIGHT * (1.0 - value / highest)
    } else {
        HEIGHT
    }
}

/// A rate as people read it: `0`, `under 0.1`, `0.5`, `12`, `12,345`.
pub(super) struct Rate(pub(super) f32);

impl Display for Rate {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are not negative, and a cast keeps within bounds"
    )]
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0 > 0.0 && self.0 < 0.05 {
            f.write_str("under 0.1")
        } else if self.0 > 0.0 && self.0 < 9.95 {
            let text = format!("{:.1}", self.0);
            f.write_str(text.strip_suffix(".0").unwrap_or(&text))
        } else {
            Count(self.0.round() as u64).fmt(f)
        }
    }
}

/// A number with commas between the thousands.
pub(super) struct Count(pub(super) u64);

impl Display for Count {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (rate, expected) in [
            (0.0, "0"),
            (0.04, "under 0.1"),
            (0.5, "0.5"),
            (3.0, "3"),
            (9.96, "10"),
            (999.4, "999"),
            (1234.5, "1,235"),
            (1_234_567.0, "1,234,567"),
            (f32::INFINITY, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(Rate(rate).to_string(), expected, "{rate}");
        }
        assert_eq!(Count(100_000).to_string(), "100,000");
    }

    #[test]
    fn drawings() {
        let draw = |history| {
            Sparkline {
                history,
                samples: 4,
                label: "l",
            }
            .to_string()
        };
        let head = |most| {
            format!(
                "<svg class=\"sparkline\" role=\"img\" aria-label=\"l, {most} at most\" viewBox=\"0 -1 3 32\" \
                 preserveAspectRatio=\"none\">"
            )
        };
        assert_eq!(draw(&[]), head("0") + "</svg>");
        let expected = "<path class=\"area\" d=\"M2 30L2 15.0L3 0.0L3 30Z\"/><path class=\"line\" d=\"M2 15.0L2 15.0L3 0.0\"/></svg>";
        assert_eq!(draw(&[1.0, 2.0]), head("2") + expected);
        let flat = "<path class=\"area\" d=\"M2 30L2 30.0L3 30.0L3 30Z\"/><path class=\"line\" d=\"M2 30.0L2 30.0L3 30.0\"/></svg>";
        assert_eq!(draw(&[0.0, 0.0]), head("0") + flat);
        assert!(draw(&[9.0, 1.0, 1.0, 1.0, 2.0]).contains("M0 30L0 "));
    }
}
