//! The writer's schema, from the JSON text in a stream's header.
//!
//! Types live in one flat list and refer to each other by index, so a recursive schema is nothing special, and
//! nothing is ever copied however cunningly the text is nested. (serde_json refuses more than 128 levels.)
//! Only what decoding needs is kept: of all names, those that mean something to us; no docs, defaults, aliases
//! or logical types. That makes two schemas equal exactly if they read the same, which is how the fast path is
//! chosen.

use super::{Fault, error::quoted};
use crate::{Layout, MetricType};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// An index into [`WriterSchema`]'s types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TypeId(usize);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    /// What each symbol means as a metric's type.
    Enum(Vec<MetricType>),
    Array(TypeId),
    Map(TypeId),
    Union(Vec<TypeId>),
    Record(Vec<Field>),
}

pub(super) type Field = (FieldName, TypeId);

/// The names of fields we look for, in whatever record they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldName {
    Topic,
    Tags,
    Datapoints,
    Key,
    Value,
    Name,
    TimeMs,
    Type,
    SampleRate,
    Text,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WriterSchema {
    types: Vec<Type>,
    root: TypeId,
}

impl WriterSchema {
    pub(super) fn parse(json: &str) -> Result<Self, Fault> {
        let json = serde_json::from_str(json).map_err(|error| fault(error.to_string()))?;
        let mut parser = Parser {
            types: PRIMITIVES.map(|(_, primitive)| primitive).into(),
            names: HashMap::new(),
        };
        let root = parser.parse(&json, "")?;
        Ok(Self {
            types: parser.types,
            root,
        })
    }

    /// Which of our own layouts this is by meaning.
    pub(super) fn layout(&self) -> Option<Layout> {
        [Layout::Old, Layout::Typed]
            .into_iter()
            .find(|layout| Self::parse(layout.schema_json()).as_ref() == Ok(self))
    }

    pub(super) fn root(&self) -> TypeId {
        self.root
    }

    pub(super) fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0]
    }
}

/// The first types of every schema; a name's index is its [`TypeId`].
const PRIMITIVES: [(&str, Type); 8] = [
    ("null", Type::Null),
    ("boolean", Type::Boolean),
    ("int", Type::Int),
    ("long", Type::Long),
    ("float", Type::Float),
    ("double", Type::Double),
    ("bytes", Type::Bytes),
    ("string", Type::String),
];

struct Parser {
    types: Vec<Type>,
    /// Full names of records, enums and fixeds.
    names: HashMap<String, TypeId>,
}

impl Parser {
    fn parse(&mut self, json: &Value, namespace: &str) -> Result<TypeId, Fault> {
        match json {
            Value::String(name) => self.known(name, namespace),
            Value::Array(branches) => {
                let branches = branches
                    .iter()
                    .map(|branch| self.parse(branch, namespace))
                    .collect::<Result<_, _>>()?;
                Ok(self.add(Type::Union(branches)))
            }
            Value::Object(object) => self.object(object, namespace),
            other => Err(fault(format!("{} is no type", quoted(&other.to_string())))),
        }
    }

    fn object(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<TypeId, Fault> {
        match attribute(object, "type")? {
            Value::String(kind) => match kind.as_str() {
                "record" | "error" => self.record(object, namespace),
                "enum" => self.enumeration(object, namespace),
                "fixed" => self.fixed(object, namespace),
                "array" => {
                    let items = self.parse(attribute(object, "items")?, namespace)?;
                    Ok(self.add(Type::Array(items)))
                }
                "map" => {
                    let values = self.parse(attribute(object, "values")?, namespace)?;
                    Ok(self.add(Type::Map(values)))
                }
                name => self.known(name, namespace),
            },
            nested => self.parse(nested, namespace),
        }
    }

    fn record(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<TypeId, Fault> {
        let (name, namespace) = full_name(object, namespace)?;
        let id = self.define(&name, Type::Record(Vec::new()))?;
        let mut fields = Vec::new();
        for field in list(object, "fields")? {
            let field = field
                .as_object()
                .ok_or_else(|| fault(format!("a field of {} is no object", quoted(&name))))?;
            let ty = self.parse(attribute(field, "type")?, &namespace)?;
            fields.push((FieldName::from_text(text(field, "name")?), ty));
        }
        self.types[id.0] = Type::Record(fields);
        Ok(id)
    }

    fn enumeration(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<TypeId, Fault> {
        let (name, _) = full_name(object, namespace)?;
        let symbols = list(object, "symbols")?.iter().map(|symbol| {
            let symbol = symbol
                .as_str()
                .ok_or_else(|| fault(format!("a symbol of {} is no text", quoted(&name))))?;
            Ok(MetricType::from_symbol(symbol))
        });
        let symbols = symbols.collect::<Result<_, Fault>>()?;
        self.define(&name, Type::Enum(symbols))
    }

    fn fixed(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<TypeId, Fault> {
        let (name, _) = full_name(object, namespace)?;
        let size = attribute(object, "size")?;
        let size = size.as_u64().and_then(|size| usize::try_from(size).ok());
        let size = size.ok_or_else(|| fault(format!("size of {} is no size", quoted(&name))))?;
        self.define(&name, Type::Fixed(size))
    }

    /// A primitive, or a type defined before.
    fn known(&self, name: &str, namespace: &str) -> Result<TypeId, Fault> {
        if let Some(index) = PRIMITIVES.iter().position(|(primitive, _)| *primitive == name) {
            return Ok(TypeId(index));
        }
        // Writers exist that forget the namespace of what they refer to, so the bare name is tried as well.
        let found = self
            .names
            .get(&join(name, namespace))
            .or_else(|| self.names.get(name));
        found
            .copied()
            .ok_or_else(|| fault(format!("type {} is not defined", quoted(name))))
    }

    fn define(&mut self, name: &str, new: Type) -> Result<TypeId, Fault> {
        let id = self.add(new);
        match self.names.insert(name.to_owned(), id) {
            None => Ok(id),
            Some(_) => Err(fault(format!("type {} is defined twice", quoted(name)))),
        }
    }

    fn add(&mut self, new: Type) -> TypeId {
        self.types.push(new);
        TypeId(self.types.len() - 1)
    }
}

impl FieldName {
    fn from_text(name: &str) -> Self {
        match name {
            "topic" => Self::Topic,
            "tags" => Self::Tags,
            "datapoints" => Self::Datapoints,
            "key" => Self::Key,
            "value" => Self::Value,
            "name" => Self::Name,
            "time_ms" => Self::TimeMs,
            "type" => Self::Type,
            "sample_rate" => Self::SampleRate,
            "text" => Self::Text,
            _ => Self::Other,
        }
    }
}

fn fault(reason: String) -> Fault {
    Fault::Schema {
        reason: reason.into(),
    }
}

fn attribute<'j>(object: &'j Map<String, Value>, name: &str) -> Result<&'j Value, Fault> {
    object.get(name).ok_or_else(|| {
        let of = object
            .get("name")
            .or_else(|| object.get("type"))
            .map(Value::to_string)
            .unwrap_or_default();
        fault(format!(
            "a type or field {} has no attribute {name:?}",
            quoted(&of)
        ))
    })
}

fn text<'j>(object: &'j Map<String, Value>, name: &str) -> Result<&'j str, Fault> {
    let value = attribute(object, name)?;
    value.as_str().ok_or_else(|| {
        fault(format!(
            "attribute {name:?} is {}, no text",
            quoted(&value.to_string())
        ))
    })
}

fn list<'j>(object: &'j Map<String, Value>, name: &str) -> Result<&'j [Value], Fault> {
    let value = attribute(object, name)?;
    value.as_array().map(Vec::as_slice).ok_or_else(|| {
        fault(format!(
            "attribute {name:?} is {}, no list",
            quoted(&value.to_string())
        ))
    })
}

/// The full name of what `object` defines, and the namespace that holds inside it.
fn full_name(object: &Map<String, Value>, enclosing: &str) -> Result<(String, String), Fault> {
    let name = text(object, "name")?;
    let namespace = object
        .get("namespace")
        .and_then(Value::as_str)
        .unwrap_or(enclosing);
    let full = join(name, namespace);
    let inside = full
        .rsplit_once('.')
        .map(|(namespace, _)| namespace.to_owned())
        .unwrap_or_default();
    Ok((full, inside))
}

/// A name with dots is full already.
fn join(name: &str, namespace: &str) -> String {
    if namespace.is_empty() || name.contains('.') {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

#[cfg(test)]
mod tests;
