//! Splits a datagram into its lines.
//!
//! One pass finds line ends and tag sections together: nearly every line of a datagram is looked at for both, and the
//! bytes between the marks are not looked at again when the line is tagged.

use memchr::Memchr2;

/// A line of a datagram: not empty, without its line end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Line<'a> {
    /// The line as it was sent; any bytes but a line feed.
    pub bytes: &'a [u8],
    /// Where the text of the first tag section begins: just behind the first `|#`.
    pub tags: Option<usize>,
}

impl<'a> Line<'a> {
    /// A line that is no part of a datagram. `bytes` must hold no line feed.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            tags: memchr::memmem::find(bytes, b"|#").map(|at| at + 2),
        }
    }

    /// A DogStatsD event. Its title and text may hold anything, so it has no value and no sections to be found by
    /// their separators.
    #[must_use]
    pub fn is_event(&self) -> bool {
        self.bytes.starts_with(b"_e{")
    }

    /// A DogStatsD service check. Its message is the last field and may hold anything.
    #[must_use]
    pub fn is_service_check(&self) -> bool {
        self.bytes.starts_with(b"_sc|")
    }
}

/// The lines of a datagram, in order. Empty ones are skipped, and a carriage return before a line end is dropped: the
/// old system forwarded both, as a line without a name and as part of the last section (`reference/metrics.md` 1.14, 8.4).
#[must_use]
pub fn lines(datagram: &[u8]) -> Lines<'_> {
    Lines {
        datagram,
        start: 0,
        marks: memchr::memchr2_iter(b'\n', b'#', datagram),
    }
}

/// See [`lines`].
#[derive(Debug)]
pub struct Lines<'a> {
    datagram: &'a [u8],
    start: usize,
    marks: Memchr2<'a>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        while self.start < self.datagram.len() {
            let start = self.start;
            let mut tags = None;
            let end = loop {
                match self.marks.next() {
                    None => break self.datagram.len(),
                    Some(at) if self.datagram[at] == b'\n' => break at,
                    Some(at) if tags.is_none() && at > start && self.datagram[at - 1] == b'|' => {
                        tags = Some(at + 1 - start);
                    }
                    Some(_) => {}
                }
            };
            self.start = end + 1;
            let line = &self.datagram[start..end];
            let bytes = line.strip_suffix(b"\r").unwrap_or(line);
            if !bytes.is_empty() {
                return Some(Line { bytes, tags });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(datagram: &[u8]) -> Vec<&[u8]> {
        lines(datagram).map(|line| line.bytes).collect()
    }

    #[test]
    fn splits_as_the_vectors_say() {
        // metrics-vectors.md 3.1; the zero-length datagram and the CR are the faults that are mended.
        let long = vec![b'z'; 65_000];
        let cases: [(&[u8], Vec<&[u8]>); 10] = [
            (b"hello", vec![b"hello"]),
            (b"hello\nhey\n\nhi", vec![b"hello", b"hey", b"hi"]),
            (b"\nhello\nhey\n\nhi\n", vec![b"hello", b"hey", b"hi"]),
            (b"\n", vec![]),
            (b"\n\n\n", vec![]),
            (b"", vec![]),
            (b"a:1|c\r\nb:2|c\r\n\r\n", vec![b"a:1|c", b"b:2|c"]),
            (b"a\rb\r\r\n", vec![b"a\rb\r"]),
            (b"\x00\xff\x0a\x80", vec![b"\x00\xff", b"\x80"]),
            (&long, vec![&long]),
        ];
        for (datagram, expected) in cases {
            assert_eq!(
                texts(datagram),
                expected,
                "{:?}",
                String::from_utf8_lossy(datagram)
            );
        }
    }

    #[test]
    fn finds_the_first_tag_section() {
        let cases: [(&[u8], Option<usize>); 7] = [
            (b"a:1|c", None),
            (b"a:1|c|#", Some(7)),
            (b"a:1|c|#x|#y", Some(7)),
            (b"#a:1|c|#x", Some(8)),
            (b"|#x", Some(2)),
            (b"a#b|c", None),
            (b"a:1|c|#\r", Some(7)),
        ];
        for (line, tags) in cases {
            assert_eq!(
                lines(line).next().unwrap().tags,
                tags,
                "{:?}",
                String::from_utf8_lossy(line)
            );
        }
    }

    /// What [`lines`] does, in the plainest way.
    fn naive(datagram: &[u8]) -> Vec<Line<'_>> {
        datagram
            .split(|&byte| byte == b'\n')
            .map(|line| {
                if line.last() == Some(&b'\r') {
                    &line[..line.len() - 1]
                } else {
                    line
                }
            })
            .filter(|line| !line.is_empty())
            .map(Line::new)
            .collect()
    }

    proptest! {
        #[test]
        fn agrees_with_the_naive_splitter(datagram in proptest::collection::vec(
            prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'#'), Just(b'|'), Just(b'a'), any::<u8>()], 0..200)) {
            prop_assert_eq!(lines(&datagram).collect::<Vec<_>>(), naive(&datagram));
        }
    }
}
