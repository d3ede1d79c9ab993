//! Which numbers came out at the far end, container by container.

use serde::Deserialize;
use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// A set of numbers from 0 on, a bit for each.
#[derive(Clone, Debug, Default)]
pub struct Numbers(Vec<u64>);

impl Numbers {
    /// Adds a number; whether it was not there before.
    pub fn insert(&mut self, number: u64) -> bool {
        let (word, bit) = place(number);
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let is_new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        is_new
    }

    /// Whether a number is in the set.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn place(number: u64) -> (usize, u64) {
    ((number / 64) as usize, 1 << (number % 64))
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    /// The numbers of each container.
    pub numbers: Vec<Numbers>,
    /// How many datapoints that were, those that came more than once included.
    pub copies: u64,
    /// Datapoints that are not what any container sent, or have another container's tags, and texts that are no records.
    pub stray: u64,
}

/// [`Arrived`], while it arrives.
#[derive(Clone, Debug)]
pub struct Arrivals(Arc<Mutex<Arrived>>);

/// What is of interest in a record.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    tags: Vec<Tag<'a>>,
    #[serde(borrow)]
    datapoints: Vec<Datapoint<'a>>,
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Datapoint<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    value: f64,
}

/// The id of the container with this index.
#[must_use]
pub fn container_id(index: usize) -> String {
    format!("c{index}")
}

/// The line with which this container sends a number. Its name has the container once more, so that a line that got the tags
/// of another container is found out.
#[must_use]
pub fn line(container: usize, number: u64) -> String {
    format!("n.{container}:{number}|g")
}

impl Arrivals {
    /// Nothing yet, of so many containers.
    #[must_use]
    pub fn new(containers: usize) -> Self {
        Self(Arc::new(Mutex::new(Arrived {
            numbers: vec![Numbers::default(); containers],
            ..Arrived::default()
        })))
    }

    /// What has come so far.
    #[must_use]
    pub fn now(&self) -> Arrived {
        self.lock().clone()
    }

    /// How many datapoints have come so far.
    #[must_use]
    pub fn copies(&self) -> u64 {
        self.lock().copies
    }

    /// How many different numbers have come so far.
    #[must_use]
    pub fn numbers(&self) -> u64 {
        self.lock().numbers.iter().map(Numbers::len).sum()
    }

    /// Reads what the collector's output stdout or the consumer's subcommand print writes, to the end of the stream.
    pub fn read(&self, stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let arrivals = self.clone();
        std::thread::spawn(move || {
            let lines = BufReader::new(stream).split(b'\n').map_while(Result::ok);
            lines.for_each(|line| arrivals.lock().take(&line));
        })
    }

    fn lock(&self) -> MutexGuard<'_, Arrived> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrived {
    /// Of a program that was killed, the last line may be half a line; it is stray if it is any other.
    fn take(&mut self, line: &[u8]) {
        let json = line.strip_prefix(b"Record: ").unwrap_or(line);
        let Ok(record) = serde_json::from_slice::<Record<'_>>(json) else {
            self.stray += 1;
            return;
        };
        let tag = record.tags.iter().find(|tag| tag.key == "container_id");
        let index = tag.and_then(|tag| tag.value.strip_prefix('c')?.parse::<usize>().ok());
        for datapoint in &record.datapoints {
            self.take_datapoint(index, datapoint);
        }
    }

    fn take_datapoint(&mut self, tagged: Option<usize>, datapoint: &Datapoint<'_>) {
        let named = datapoint
            .name
            .strip_prefix("n.")
            .and_then(|index| index.parse().ok());
        let numbers = tagged
            .filter(|_| tagged == named)
            .and_then(|index| self.numbers.get_mut(index));
        match (numbers, whole(datapoint.value)) {
            (Some(numbers), Some(number)) => {
                numbers.insert(number);
                self.copies += 1;
            }
            _ => self.stray += 1,
        }
    }
}

/// A number that was sent, and not one so large that nobody has sent it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is whole and within bounds"
)]
fn whole(value: f64) -> Option<u64> {
    (value.fract() == 0.0 && (0.0..1e12).contains(&value)).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_are_a_set() {
        let (mut numbers, mut twin) = (Numbers::default(), HashSet::new());
        for number in [0, 63, 64, 1, 64, 1000, 0, 999] {
            assert_eq!(numbers.insert(number), twin.insert(number));
        }
        assert_eq!(numbers.len(), twin.len() as u64);
        assert!((0..2000).all(|number| numbers.contains(number) == twin.contains(&number)));
    }

    #[test]
    fn datapoints_by_container_and_strays() {
        let arrivals = Arrivals::new(2);
        let text = [
            r#"{"topic":"t","tags":[{"key":"container_id","value":"c1"}],"datapoints":[{"name":"n.1","value":7.0},{"name":"n.1","value":7}]}"#,
            r#"Record: {"tags":[{"key":"container_id","value":"c0"}],"datapoints":[{"name":"n.0","value":0.0},{"name":"n.1","value":8.0}]}"#,
            r#"{"tags":[],"datapoints":[{"name":"n.0","value":1.0}]}"#,
            r#"{"tags":[{"key":"container_id","value":"c2"}],"datapoints":[{"name":"n.2","value":1.0},{"name":"n.1","value":1.5}]}"#,
            "no json",
        ]
        .join("\n");
        arrivals.read(std::io::Cursor::new(text)).join().unwrap();
        let arrived = arrivals.now();
        assert_eq!((arrived.copies, arrived.stray), (3, 5));
        assert_eq!([arrived.numbers[0].len(), arrived.numbers[1].len()], [1, 1]);
        assert!(arrived.numbers[1].contains(7));
    }
}
