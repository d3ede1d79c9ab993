//! Lists as lines of JSON on standard output.

use crate::backend::{Backend, DeliveryError};
use crate::counters::{Counters, add};
use stats_schema::RecordRef;
use std::io::{ErrorKind, Write};
use std::sync::Arc;

/// Lines are written together until there are this many bytes of them.
const BATCH_BYTES: usize = 64 << 10;

/// `Record: ` and the list as JSON, one line a list. A backend for looking at.
pub(crate) struct Print<W> {
    counters: Arc<Counters>,
    lines: Vec<u8>,
    datapoints: usize,
    out: W,
}

impl<W: Write> Print<W> {
    pub(crate) fn new(counters: Arc<Counters>, out: W) -> Self {
        Self {
            counters,
            lines: Vec::new(),
            datapoints: 0,
            out,
        }
    }
}

impl<W: Write> Backend for Print<W> {
    fn append(&mut self, record: &RecordRef<'_>) -> usize {
        self.lines.extend_from_slice(b"Record: ");
        json_line(&mut self.lines, record);
        self.datapoints += record.datapoints.len();
        record.datapoints.len()
    }

    fn full(&self) -> bool {
        self.lines.len() >= BATCH_BYTES
    }

    fn deliver(&mut self) -> Result<(), DeliveryError> {
        let written = self.out.write_all(&self.lines).and_then(|()| self.out.flush());
        if let Err(error) = written {
            // Whoever read it has gone and cannot come back.
            return Err(match error.kind() {
                ErrorKind::BrokenPipe => DeliveryError::Gone(format!("standard output: {error}")),
                _ => DeliveryError::unavailable("write to", &"standard output", &error),
            });
        }
        self.lines.clear();
        add(&self.counters.delivered, self.datapoints);
        self.datapoints = 0;
        Ok(())
    }
}

/// Appends the list as JSON and a newline. The parts are `topic`, `tags` and `datapoints`, as in the schema.
pub(crate) fn json_line(out: &mut Vec<u8>, record: &RecordRef<'_>) {
    // Writing to a vector does not fail, and there is no map in a record whose key would not be a text.
    let _written = serde_json::to_writer(&mut *out, record);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use stats_schema::{DatapointRef, MetricType, TagRef};

    #[test]
    fn one_line_a_list() {
        let counters = Arc::new(Counters::default());
        let mut print = Print::new(Arc::clone(&counters), Vec::new());
        let datapoint = DatapointRef {
            name: "n\n",
            time_ms: 7,
            value: 1.5,
            metric_type: MetricType::Gauge,
            sample_rate: 1.0,
            text: None,
        };
        let record = RecordRef {
            topic: "t",
            tags: &[TagRef { key: "k", value: "v" }],
            datapoints: &[datapoint, datapoint],
        };
        assert_eq!(print.append(&record), 2);
        print.deliver().unwrap();
        let line = String::from_utf8(print.out).unwrap();
        assert_eq!(
            line,
            concat!(
                r#"Record: {"topic":"t","tags":[{"key":"k","value":"v"}],"datapoints":["#,
                r#"{"name":"n\n","time_ms":7,"value":1.5,"type":"gauge","sample_rate":1.0},"#,
                r#"{"name":"n\n","time_ms":7,"value":1.5,"type":"gauge","sample_rate":1.0}]}"#,
                "\n"
            )
        );
        assert_eq!(counters.snapshot().delivered, 2);
    }
}
