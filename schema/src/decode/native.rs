//! The fast path: records of our own layouts, without a copy and without looking at a schema.

use super::cursor::Cursor;
use super::records::{Records, limit};
use super::{Fault, Limits};
use crate::{DatapointRef, Layout, MetricType, RecordRef, TagRef};

/// Reads record after record of one block; the lists are reused from one to the next.
pub(super) struct Native<'a> {
    layout: Layout,
    limits: Limits,
    cursor: Cursor<'a>,
    tags: Vec<TagRef<'a>>,
    datapoints: Vec<DatapointRef<'a>>,
}

impl<'a> Native<'a> {
    pub(super) fn new(layout: Layout, limits: Limits, block: &'a [u8]) -> Self {
        Self {
            layout,
            limits,
            cursor: Cursor::new(block),
            tags: Vec::new(),
            datapoints: Vec::new(),
        }
    }
}

impl Records for Native<'_> {
    fn left(&self) -> usize {
        self.cursor.left()
    }

    #[inline]
    fn next(&mut self) -> Result<RecordRef<'_>, Fault> {
        let (layout, limits) = (self.layout, self.limits);
        let topic = self.cursor.text("topic")?;
        list(
            &mut self.cursor,
            &mut self.tags,
            "number of tags",
            limits.record_tags,
            |cursor| {
                Ok(TagRef {
                    key: cursor.text("tag key")?,
                    value: cursor.text("tag value")?,
                })
            },
        )?;
        let what = "number of datapoints";
        list(
            &mut self.cursor,
            &mut self.datapoints,
            what,
            limits.record_datapoints,
            |cursor| datapoint(cursor, layout),
        )?;
        Ok(RecordRef {
            topic,
            tags: &self.tags,
            datapoints: &self.datapoints,
        })
    }
}

#[inline]
fn list<'a, T>(
    cursor: &mut Cursor<'a>,
    items: &mut Vec<T>,
    what: &'static str,
    max: usize,
    mut item: impl FnMut(&mut Cursor<'a>) -> Result<T, Fault>,
) -> Result<(), Fault> {
    items.clear();
    loop {
        let (count, _) = cursor.run(what)?;
        if count == 0 {
            return Ok(());
        }
        limit(items.len(), count, what, max)?;
        for _ in 0..count {
            items.push(item(cursor)?);
        }
    }
}

#[inline]
fn datapoint<'a>(cursor: &mut Cursor<'a>, layout: Layout) -> Result<DatapointRef<'a>, Fault> {
    let mut datapoint = DatapointRef {
        name: cursor.text("datapoint name")?,
        time_ms: cursor.long("datapoint time_ms")?,
        value: cursor.double("datapoint value")?,
        metric_type: MetricType::Unknown,
        sample_rate: 1.0,
        text: None,
    };
    if layout == Layout::Typed {
        datapoint.metric_type = MetricType::ALL[cursor.index("datapoint type", MetricType::ALL.len() - 1)?];
        datapoint.sample_rate = cursor.double("datapoint sample_rate")?;
        if cursor.index("branch of datapoint text", 1)? == 1 {
            datapoint.text = Some(cursor.text("datapoint text")?);
        }
    }
    Ok(datapoint)
}
