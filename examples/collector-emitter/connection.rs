//! The connection to the collector, made again when it breaks.

use stats_schema::{Block, Layout};
use std::io::{self, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A stream of blocks to one endpoint. There are no acknowledgements: what was written when the connection breaks may
/// be lost, and what is sent while there is none is.
#[derive(Debug)]
pub(crate) struct Connection {
    endpoint: String,
    layout: Layout,
    retry_after: Duration,
    stream: Option<TcpStream>,
    attempted: Option<Instant>,
}

impl Connection {
    pub(crate) fn new(endpoint: &str, layout: Layout, retry_after: Duration) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            layout,
            retry_after,
            stream: None,
            attempted: None,
        }
    }

    /// Sends a block, after the header if this is a new connection. Says on stderr what was lost.
    pub(crate) fn send(&mut self, block: &Block) {
        if block.records() == 0 {
            return;
        }
        let mut bytes = Vec::new();
        block.write(&mut bytes);
        if let Err(error) = self.connected().and_then(|stream| stream.write_all(&bytes)) {
            self.stream = None;
            eprintln!(
                "Lost {} lists, {} cannot be sent to: {error}",
                block.records(),
                self.endpoint
            );
        }
    }

    fn connected(&mut self) -> io::Result<&mut TcpStream> {
        match &mut self.stream {
            Some(stream) => Ok(stream),
            none => {
                let now = Instant::now();
                if self
                    .attempted
                    .is_some_and(|attempted| now - attempted < self.retry_after)
                {
                    return Err(io::Error::new(
                        io::ErrorKind::NotConnected,
                        "waiting to try again",
                    ));
                }
                self.attempted = Some(now);
                let mut stream = TcpStream::connect(&self.endpoint)?;
                stream.write_all(self.layout.header())?;
                eprintln!("Connected to {}", self.endpoint);
                Ok(none.insert(stream))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stats_schema::{Limits, MetricList, StreamDecoder};
    use std::io::Read;
    use std::net::TcpListener;

    fn block() -> Block {
        let mut block = Block::new(Layout::Typed);
        block.push(&MetricList {
            topic: "t".into(),
            ..MetricList::default()
        });
        block
    }

    fn records(listener: &TcpListener, sent: impl FnOnce()) -> u64 {
        let (mut stream, _) = listener.accept().unwrap();
        sent();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let mut decoder = StreamDecoder::new(Limits::default());
        decoder
            .feed(&bytes, |record| assert_eq!(record.topic, "t"))
            .unwrap();
        decoder.records()
    }

    #[test]
    fn every_connection_begins_with_a_header() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        let mut connection = Connection::new(&endpoint, Layout::Typed, Duration::ZERO);
        for _ in 0..2 {
            connection.send(&block());
            connection.send(&block());
            assert_eq!(records(&listener, || connection.stream = None), 2);
        }
    }

    #[test]
    fn a_collector_that_is_away_is_tried_again_after_a_while() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        drop(listener);
        let mut connection = Connection::new(&endpoint, Layout::Typed, Duration::from_secs(3600));
        connection.send(&block());
        let listener = TcpListener::bind(&endpoint).unwrap();
        connection.send(&block());
        assert!(connection.stream.is_none());
        connection.attempted = None;
        connection.send(&block());
        assert_eq!(records(&listener, || connection.stream = None), 1);
    }
}
