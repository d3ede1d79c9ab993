//! The messages that wait for Kafka, bounded in bytes. When there is no room, the oldest go.

use super::message::Message;
use crate::telemetry::{Output, Reason};
use std::collections::VecDeque;

/// Messages with their numbers, in this order.
#[derive(Debug)]
pub(super) struct Pending {
    messages: VecDeque<(usize, Message)>,
    bytes: usize,
    limit: usize,
}

impl Pending {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            messages: VecDeque::new(),
            bytes: 0,
            limit,
        }
    }

    /// Adds the newest message.
    pub(super) fn push(&mut self, number: usize, message: Message, output: &Output) {
        self.bytes += message.bytes();
        self.messages.push_back((number, message));
        self.drop_oldest(output);
    }

    /// Puts messages back where they came from, in the order of all numbers.
    pub(super) fn put_back(&mut self, messages: impl Iterator<Item = (usize, Message)>, output: &Output) {
        for (number, message) in messages {
            self.bytes += message.bytes();
            let place = self.messages.partition_point(|(other, _)| *other < number);
            self.messages.insert(place, (number, message));
        }
        self.drop_oldest(output);
    }

    /// The oldest message.
    pub(super) fn first(&self) -> Option<&(usize, Message)> {
        self.messages.front()
    }

    /// Takes the oldest message.
    pub(super) fn pop(&mut self) -> Option<(usize, Message)> {
        let (number, message) = self.messages.pop_front()?;
        self.bytes -= message.bytes();
        Some((number, message))
    }

    /// The memory that the messages take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn drop_oldest(&mut self, output: &Output) {
        while self.bytes > self.limit
            && let Some((_, oldest)) = self.pop()
        {
            output
                .dropped(Reason::QueueFull)
                .add(oldest.records, oldest.datapoints);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::Trigger;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn message(datapoints: u64) -> Message {
        Message {
            topic: "t".into(),
            key: None,
            file: vec![0; 1000],
            records: 1,
            datapoints,
            trigger: Trigger::End,
            failures: 0,
        }
    }

    fn numbers(pending: &Pending) -> Vec<usize> {
        pending.messages.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn the_oldest_go() {
        let output = Output::default();
        let mut pending = Pending::new(3 * message(0).bytes());
        for number in 0..5 {
            pending.push(number, message(10 + number as u64), &output);
        }
        assert_eq!(numbers(&pending), [2, 3, 4]);
        assert_eq!(output.dropped(Reason::QueueFull).get(), (2, 21));
        let (number, first) = pending.pop().unwrap();
        pending.push(5, message(15), &output);
        pending.put_back([(number, first)].into_iter(), &output);
        assert_eq!(numbers(&pending), [3, 4, 5], "what was put back is the oldest");
        assert_eq!(output.dropped(Reason::QueueFull).get(), (3, 33));
        assert_eq!(pending.bytes(), 3 * message(0).bytes());
    }

    #[test]
    fn what_comes_back_comes_first() {
        let output = Output::default();
        let mut pending = Pending::new(1 << 20);
        (0..5).for_each(|number| pending.push(number, message(1), &output));
        let taken: Vec<_> = std::iter::from_fn(|| pending.pop()).take(3).collect();
        pending.put_back(taken.into_iter(), &output);
        assert_eq!(numbers(&pending), [0, 1, 2, 3, 4]);
    }

    proptest! {
        /// Messages come, are taken and come back in any order; a sorted map that loses its first does the same.
        #[test]
        fn a_plain_list_does_the_same(
            room in 0usize..8,
            steps in proptest::collection::vec((0u8..3, 0usize..4), 1..60),
        ) {
            let limit = room * message(0).bytes() + 500;
            let output = Output::default();
            let mut pending = Pending::new(limit);
            let (mut plain, mut dropped) = (BTreeMap::new(), (0, 0));
            let mut taken: Vec<(usize, Message)> = Vec::new();
            for (number, (what, which)) in steps.into_iter().enumerate() {
                match what {
                    0 => {
                        pending.push(number, message(number as u64), &output);
                        plain.insert(number, number as u64);
                    }
                    1 => {
                        let popped = pending.pop();
                        prop_assert_eq!(popped.as_ref().map(|(number, _)| *number), plain.pop_first().map(|(number, _)| number));
                        taken.extend(popped);
                    }
                    _ => {
                        let back = taken.split_off(which.min(taken.len()));
                        plain.extend(back.iter().map(|(number, message)| (*number, message.datapoints)));
                        pending.put_back(back.into_iter(), &output);
                    }
                }
                while plain.len() > room {
                    let (_, datapoints) = plain.pop_first().unwrap();
                    dropped = (dropped.0 + 1, dropped.1 + datapoints);
                }
                prop_assert_eq!(numbers(&pending), plain.keys().copied().collect::<Vec<_>>());
                prop_assert_eq!(pending.first().map(|(number, _)| *number), plain.keys().next().copied());
                prop_assert_eq!(pending.bytes(), plain.len() * message(0).bytes());
                prop_assert_eq!(output.dropped(Reason::QueueFull).get(), dropped);
            }
        }
    }
}
