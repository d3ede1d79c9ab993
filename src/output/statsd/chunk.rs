//! Packs tagged lines into datagrams (`reference/metrics.md` 1.16.3).
//!
//! Comparisons are strict, as in the old system: a datagram never has as many bytes as the chunk size, unless a single line
//! has. A line longer than any datagram is refused; the old system sent it without tags, that is, to the wrong place.

use crate::statsd::tag::Tagged;

/// The most a UDP datagram holds over IPv4: 65,535 bytes less the headers.
pub(crate) const MAX_DATAGRAM: usize = 65_507;

/// The datagram being filled.
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    lines: u64,
    /// `None`: every line is a datagram of its own.
    capacity: Option<usize>,
}

/// A datagram ready to be sent.
#[derive(Clone, Copy)]
pub(crate) struct Full<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) lines: u64,
}

/// A line that fits no datagram.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct TooLong;

impl Chunk {
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        let capacity = capacity.map(|bytes| bytes.min(MAX_DATAGRAM + 1));
        Self {
            bytes: Vec::with_capacity(capacity.unwrap_or(0)),
            lines: 0,
            capacity,
        }
    }

    /// Adds a line, handing to `send` what thereby becomes complete: up to two datagrams.
    pub(crate) fn add(&mut self, line: &Tagged<'_>, mut send: impl FnMut(Full<'_>)) -> Result<(), TooLong> {
        let length = line.len();
        if length > MAX_DATAGRAM {
            return Err(TooLong);
        }
        let capacity = self.capacity.unwrap_or(0);
        if !self.bytes.is_empty() {
            if self.bytes.len() + 1 + length < capacity {
                self.bytes.push(b'\n');
                self.append(line);
                return Ok(());
            }
            self.flush(&mut send);
        }
        self.append(line);
        if length >= capacity {
            self.flush(&mut send);
        }
        Ok(())
    }

    /// Hands over what is there, if anything is.
    pub(crate) fn flush(&mut self, mut send: impl FnMut(Full<'_>)) {
        if !self.bytes.is_empty() {
            send(Full {
                bytes: &self.bytes,
                lines: self.lines,
            });
            self.bytes.clear();
        }
        self.lines = 0;
    }

    /// Lines that wait for the datagram to fill or for its time to come.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    fn append(&mut self, line: &Tagged<'_>) {
        for piece in line.pieces {
            if !piece.is_empty() {
                self.bytes.extend_from_slice(piece);
            }
        }
        self.lines += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(line: &[u8]) -> Tagged<'_> {
        Tagged {
            pieces: [line, b"", b"", b""],
            annotated: true,
        }
    }

    /// What was sent before and by the flush.
    fn chunks(capacity: Option<usize>, lines: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let mut chunk = Chunk::new(capacity);
        let mut sent = Vec::new();
        for line in lines {
            chunk
                .add(&plain(line), |full| sent.push(full.bytes.to_vec()))
                .unwrap();
        }
        let mut flushed = Vec::new();
        chunk.flush(|full| flushed.push(full.bytes.to_vec()));
        assert_eq!(chunk.lines(), 0);
        (sent, flushed)
    }

    #[test]
    fn arithmetic_as_the_vectors_say() {
        // metrics-vectors.md 4.2
        let (line511, line512) = (vec![b'l'; 511], vec![b'm'; 512]);
        type Case<'a> = (Option<usize>, Vec<&'a [u8]>, Vec<&'a [u8]>, Vec<&'a [u8]>);
        let cases: [Case<'_>; 9] = [
            (
                Some(10),
                vec![b"hello", b"hey", b"hi"],
                vec![b"hello\nhey"],
                vec![b"hi"],
            ),
            (Some(10), vec![b"123456789"], vec![], vec![b"123456789"]),
            (Some(10), vec![b"1234567890"], vec![b"1234567890"], vec![]),
            (Some(10), vec![b"1234", b"5678"], vec![], vec![b"1234\n5678"]),
            (
                Some(10),
                vec![b"1234", b"1234567890"],
                vec![b"1234", b"1234567890"],
                vec![],
            ),
            (Some(512), vec![&line511], vec![], vec![&line511]),
            (Some(512), vec![&line512], vec![&line512], vec![]),
            (Some(10), vec![], vec![], vec![]),
            (None, vec![b"a", b"b"], vec![b"a", b"b"], vec![]),
        ];
        for (capacity, lines, sent, flushed) in cases {
            let expected = |wanted: Vec<&[u8]>| wanted.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
            assert_eq!(
                chunks(capacity, &lines),
                (expected(sent), expected(flushed)),
                "{capacity:?} {lines:?}"
            );
        }
    }

    #[test]
    fn a_line_for_no_datagram_is_refused_and_nothing_else_is_touched() {
        let mut chunk = Chunk::new(Some(512));
        chunk.add(&plain(b"kept"), |_| panic!("not yet")).unwrap();
        let long = vec![b'x'; MAX_DATAGRAM];
        let tagged = Tagged {
            pieces: [&long, b"y", b"", b""],
            annotated: true,
        };
        assert_eq!(chunk.add(&tagged, |_| panic!("nothing to send")), Err(TooLong));
        assert_eq!(chunk.lines(), 1);
        let mut sent = Vec::new();
        chunk
            .add(&plain(&long), |full| sent.push((full.bytes.len(), full.lines)))
            .unwrap();
        assert_eq!(sent, [(4, 1), (MAX_DATAGRAM, 1)]);
    }

    proptest! {
        #[test]
        fn datagrams_are_bounded_and_hold_all_lines_in_order(
            capacity in prop_oneof![Just(None), (1_usize..60).prop_map(Some)],
            lines in proptest::collection::vec("[a-z]{1,40}", 0..40),
        ) {
            // metrics-vectors.md 25.2
            let bytes: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
            let (mut sent, flushed) = chunks(capacity, &bytes);
            sent.extend(flushed);
            for datagram in &sent {
                let single = !datagram.contains(&b'\n');
                prop_assert!(datagram.len() < capacity.unwrap_or(0) || single);
                prop_assert!(!datagram.starts_with(b"\n") && !datagram.ends_with(b"\n"));
            }
            prop_assert_eq!(sent.join(&b'\n'), lines.join("\n").into_bytes());
        }
    }
}
