//! The general path: records of any schema, of which we take the fields whose names we know and step over the
//! rest (`reference/metrics.md` 2.3).
//!
//! The schema is the peer's as well as the data, so both may be hostile. Stepping over a value goes at most
//! [`MAX_DEPTH`] levels deep, and since a value may take no byte at all (a null, a record of nulls), the number
//! of values in a block is bounded by its size ([`Foreign::step`]). Nothing that is stepped over is stored.

use super::cursor::Cursor;
use super::records::{Records, limit};
use super::writer_schema::{Field, FieldName, Type, TypeId, WriterSchema};
use super::{Fault, Limits, NO_TOPIC_FIELD, NOT_A_RECORD, TOPIC_NOT_TEXT};
use crate::{DatapointRef, MetricType, RecordRef, TagRef};

/// How deeply nested a value may be that we step over.
const MAX_DEPTH: u32 = 64;
/// How many values a block may have for each of its bytes. Nearly all take a byte or more.
const VALUES_PER_BYTE: u64 = 16;

/// Reads record after record of one block; the lists are reused from one to the next.
pub(super) struct Foreign<'a, 's> {
    schema: &'s WriterSchema,
    limits: Limits,
    cursor: Cursor<'a>,
    values: u64,
    max_values: u64,
    tags: Vec<TagRef<'a>>,
    datapoints: Vec<DatapointRef<'a>>,
}

impl<'a, 's> Foreign<'a, 's> {
    pub(super) fn new(schema: &'s WriterSchema, limits: Limits, block: &'a [u8]) -> Self {
        Self {
            schema,
            limits,
            cursor: Cursor::new(block),
            values: 0,
            max_values: VALUES_PER_BYTE * (block.len() as u64 + 64),
            tags: Vec::new(),
            datapoints: Vec::new(),
        }
    }

    /// One item of `tags`; kept if it has a key.
    fn tag(&mut self, fields: &[Field]) -> Result<(), Fault> {
        let (mut key, mut value) = (None, None);
        for (name, ty) in fields {
            match name {
                FieldName::Key => key = self.text(*ty, "tag key")?,
                FieldName::Value => value = self.text(*ty, "tag value")?,
                _ => self.skip(*ty, 0)?,
            }
        }
        if let Some(key) = key {
            self.tags.push(TagRef {
                key,
                value: value.unwrap_or_default(),
            });
        }
        Ok(())
    }

    /// One item of `datapoints`; kept if it has a name and a number. The other fields have defaults, that of the
    /// time being 0.
    fn datapoint(&mut self, fields: &[Field]) -> Result<(), Fault> {
        let (mut label, mut number) = (None, None);
        let mut rest = DatapointRef {
            name: "",
            time_ms: 0,
            value: 0.0,
            metric_type: MetricType::Unknown,
            sample_rate: 1.0,
            text: None,
        };
        for (name, ty) in fields {
            match name {
                FieldName::Name => label = self.text(*ty, "datapoint name")?,
                FieldName::Value => number = self.number(*ty, "datapoint value")?,
                FieldName::TimeMs => rest.time_ms = self.whole(*ty, "datapoint time_ms")?.unwrap_or(0),
                FieldName::Type => rest.metric_type = self.metric_type(*ty, "datapoint type")?,
                FieldName::SampleRate => {
                    rest.sample_rate = self.number(*ty, "datapoint sample_rate")?.unwrap_or(1.0);
                }
                FieldName::Text => rest.text = self.text(*ty, "datapoint text")?,
                _ => self.skip(*ty, 0)?,
            }
        }
        if let (Some(name), Some(value)) = (label, number) {
            self.datapoints.push(DatapointRef { name, value, ..rest });
        }
        Ok(())
    }

    /// Goes through the records of an array and steps over anything else.
    fn items(
        &mut self,
        ty: TypeId,
        what: &'static str,
        max: usize,
        item: fn(&mut Self, &[Field]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let ty = self.branch(ty)?;
        let schema = self.schema;
        let Type::Array(items) = schema.get(ty) else {
            return self.skip(ty, 0);
        };
        let mut before = 0;
        loop {
            let (count, _) = self.cursor.run(what)?;
            if count == 0 {
                return Ok(());
            }
            limit(before, count, what, max)?;
            for _ in 0..count {
                before += 1;
                let found = self.branch(*items)?;
                match schema.get(found) {
                    Type::Record(fields) => item(self, fields)?,
                    _ => self.skip(found, 0)?,
                }
            }
        }
    }

    fn text(&mut self, ty: TypeId, what: &'static str) -> Result<Option<&'a str>, Fault> {
        let ty = self.branch(ty)?;
        match self.schema.get(ty) {
            Type::String | Type::Bytes => self.cursor.text(what).map(Some),
            _ => self.skip(ty, 0).map(|()| None),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "the promotion of Avro's resolution rules"
    )]
    fn number(&mut self, ty: TypeId, what: &'static str) -> Result<Option<f64>, Fault> {
        let ty = self.branch(ty)?;
        match self.schema.get(ty) {
            Type::Int | Type::Long => self.cursor.long(what).map(|whole| Some(whole as f64)),
            Type::Float => self.cursor.float(what).map(|float| Some(f64::from(float))),
            Type::Double => self.cursor.double(what).map(Some),
            _ => self.skip(ty, 0).map(|()| None),
        }
    }

    fn whole(&mut self, ty: TypeId, what: &'static str) -> Result<Option<i64>, Fault> {
        let ty = self.branch(ty)?;
        match self.schema.get(ty) {
            Type::Int | Type::Long => self.cursor.long(what).map(Some),
            _ => self.skip(ty, 0).map(|()| None),
        }
    }

    fn metric_type(&mut self, ty: TypeId, what: &'static str) -> Result<MetricType, Fault> {
        let ty = self.branch(ty)?;
        match self.schema.get(ty) {
            Type::Enum(symbols) => {
                let index = self.cursor.index(what, symbols.len().saturating_sub(1))?;
                Ok(symbols.get(index).copied().unwrap_or_default())
            }
            Type::String => self.cursor.text(what).map(MetricType::from_symbol),
            _ => self.skip(ty, 0).map(|()| MetricType::Unknown),
        }
    }

    /// The type of the value that comes next, with unions resolved.
    fn branch(&mut self, mut ty: TypeId) -> Result<TypeId, Fault> {
        self.step()?;
        while let Type::Union(branches) = self.schema.get(ty) {
            let what = "branch of a union";
            let index = self.cursor.index(what, branches.len().saturating_sub(1))?;
            // Only an empty union has not even branch 0.
            ty = *branches.get(index).ok_or(Fault::OutOfRange {
                what,
                found: 0,
                max: 0,
            })?;
        }
        Ok(ty)
    }

    fn skip(&mut self, ty: TypeId, depth: u32) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            let (found, max) = (i64::from(depth), u64::from(MAX_DEPTH));
            return Err(Fault::OutOfRange {
                what: "nesting of a field",
                found,
                max,
            });
        }
        let what = "a field";
        let ty = self.branch(ty)?;
        let schema = self.schema;
        match schema.get(ty) {
            Type::Null | Type::Union(_) => Ok(()),
            Type::Boolean => self.cursor.skip(1, what),
            Type::Int | Type::Long | Type::Enum(_) => self.cursor.long(what).map(drop),
            Type::Float => self.cursor.float(what).map(drop),
            Type::Double => self.cursor.double(what).map(drop),
            Type::Bytes | Type::String => self.cursor.bytes(what).map(drop),
            Type::Fixed(size) => self.cursor.skip(*size, what),
            Type::Record(fields) => fields.iter().try_for_each(|(_, ty)| self.skip(*ty, depth + 1)),
            Type::Array(items) => self.skip_items(*items, false, depth),
            Type::Map(values) => self.skip_items(*values, true, depth),
        }
    }

    fn skip_items(&mut self, ty: TypeId, keys: bool, depth: u32) -> Result<(), Fault> {
        let what = "a field";
        loop {
            match self.cursor.run(what)? {
                (0, _) => return Ok(()),
                (_, Some(size)) => self.cursor.skip(size, what)?,
                (count, None) => {
                    for _ in 0..count {
                        if keys {
                            self.cursor.bytes(what)?;
                        }
                        self.skip(ty, depth + 1)?;
                    }
                }
            }
        }
    }

    /// Counts a value, and gives up when there are more than an honest block of this size can hold.
    fn step(&mut self) -> Result<(), Fault> {
        self.values += 1;
        if self.values <= self.max_values {
            return Ok(());
        }
        let found = i64::try_from(self.values).unwrap_or(i64::MAX);
        Err(Fault::OutOfRange {
            what: "number of values in the block",
            found,
            max: self.max_values,
        })
    }
}

impl Records for Foreign<'_, '_> {
    fn left(&self) -> usize {
        self.cursor.left()
    }

    fn next(&mut self) -> Result<RecordRef<'_>, Fault> {
        self.tags.clear();
        self.datapoints.clear();
        let mut topic = NO_TOPIC_FIELD;
        let root = self.branch(self.schema.root())?;
        let Type::Record(fields) = self.schema.get(root) else {
            self.skip(root, 0)?;
            return Ok(RecordRef {
                topic: NOT_A_RECORD,
                tags: &[],
                datapoints: &[],
            });
        };
        for (name, ty) in fields {
            match name {
                FieldName::Topic => topic = self.text(*ty, "topic")?.unwrap_or(TOPIC_NOT_TEXT),
                FieldName::Tags => self.items(*ty, "number of tags", self.limits.record_tags, Self::tag)?,
                FieldName::Datapoints => {
                    let max = self.limits.record_datapoints;
                    self.items(*ty, "number of datapoints", max, Self::datapoint)?;
                }
                _ => self.skip(*ty, 0)?,
            }
        }
        Ok(RecordRef {
            topic,
            tags: &self.tags,
            datapoints: &self.datapoints,
        })
    }
}
