//! Whether something grows: a straight line through the second half of a run, by which time caches are full.

/// A straight line, fitted by least squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Its value in the middle of the time looked at.
    pub mean: f64,
    /// How much it rises in a second.
    pub slope: f64,
    /// How much it rises in the time looked at.
    pub rise: f64,
}

impl Line {
    /// The line through the second half of `points`, each a time in seconds and a value; nothing through less than two.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a number of seconds")]
    pub fn through_second_half(points: &[(f64, f64)]) -> Option<Self> {
        let points = &points[points.len() / 2..];
        let (first, last) = (points.first()?, points.last()?);
        let count = points.len() as f64;
        let middle = points.iter().map(|(time, _)| time).sum::<f64>() / count;
        let mean = points.iter().map(|(_, value)| value).sum::<f64>() / count;
        let spread: f64 = points.iter().map(|(time, _)| (time - middle).powi(2)).sum();
        if spread == 0.0 {
            return None;
        }
        let moment: f64 = points
            .iter()
            .map(|(time, value)| (time - middle) * (value - mean))
            .sum();
        let slope = moment / spread;
        Some(Self {
            mean,
            slope,
            rise: slope * (last.0 - first.0),
        })
    }
}

/// What still counts as level: the rise within the second half.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// In the unit of the values.
    pub rise: f64,
    /// As a part of the mean, in addition.
    pub share: f64,
}

impl Allowed {
    /// How much a line of this mean may rise.
    #[must_use]
    pub fn at(self, mean: f64) -> f64 {
        self.rise + self.share * mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_half_does_not_count() {
        let points: Vec<_> = (0..100)
            .map(|time| {
                let time = f64::from(time);
                (
                    time,
                    if time < 50.0 {
                        1000.0 * time
                    } else {
                        7.0 + 2.0 * time
                    },
                )
            })
            .collect();
        let line = Line::through_second_half(&points).unwrap();
        assert!((line.slope - 2.0).abs() < 1e-9, "{line:?}");
        assert!((line.rise - 98.0).abs() < 1e-9, "{line:?}");
        assert!((line.mean - (7.0 + 2.0 * 74.5)).abs() < 1e-9, "{line:?}");
    }

    #[test]
    fn no_line_without_two_moments() {
        assert_eq!(Line::through_second_half(&[]), None);
        assert_eq!(Line::through_second_half(&[(1.0, 1.0), (2.0, 1.0)]), None);
        assert!(Line::through_second_half(&[(0.0, 0.0), (1.0, 1.0), (2.0, 5.0), (3.0, 5.0)]).is_some());
    }
}
