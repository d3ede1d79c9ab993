//! What tasks send: lines like `myservice.requests.app42.latency:12.5|ms`, 40 bytes each.

/// Different datagrams, so that no branch predictor learns one by heart.
const DATAGRAMS: usize = 64;

/// What is sent, how fast, and to how many endpoints.
#[derive(Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) datagrams_per_second: u64,
    /// More than one: half of them have tags of their own, in no regular order.
    pub(crate) lines_per_datagram: usize,
    pub(crate) endpoints: usize,
    /// Datagrams that come to one endpoint at once.
    pub(crate) burst: usize,
}

/// Datagrams of the same length, one behind the other.
pub(crate) struct Datagrams {
    pub(crate) bytes: Vec<u8>,
    /// Of one datagram, in bytes.
    pub(crate) length: usize,
}

impl Datagrams {
    pub(crate) fn new(lines_per_datagram: usize) -> Self {
        let mut bytes = Vec::new();
        let mut random = Xorshift(0x9E37_79B9_7F4A_7C15);
        for _ in 0..DATAGRAMS {
            let mut with_tags = lines_per_datagram / 2;
            for left in (1..=lines_per_datagram).rev() {
                let name = random.below(100);
                let value = random.below(10);
                let line = format!("myservice.requests.app{name:02}.latency:1{value}.5|ms");
                bytes.extend_from_slice(line.as_bytes());
                if random.below(left) < with_tags {
                    with_tags -= 1;
                    bytes.extend_from_slice(b"|#code:200,verb:get");
                }
                if left > 1 {
                    bytes.push(b'\n');
                }
            }
        }
        let length = bytes.len() / DATAGRAMS;
        Self { bytes, length }
    }

    /// `count` datagrams beginning with the one at `next`, which moves on.
    pub(crate) fn take(&self, next: &mut usize, count: usize) -> &[u8] {
        if *next + count > DATAGRAMS {
            *next = 0;
        }
        let start = *next * self.length;
        *next += count;
        &self.bytes[start..start + count * self.length]
    }
}

/// Marsaglia's generator, always from the same seed: every run sends the same.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap_or(0)
    }
}
