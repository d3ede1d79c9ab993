//! The JSON of `mesos-agent --modules`:
//!
//! ```text
//! {"libraries": [{"file": "...", "modules": [{"name": "...", "parameters": [{"key": "...", "value": "..."}]}]}]}
//! ```

use super::MODULE_NAMES;
use super::error::{ModulesError, shown};
use super::list::ParameterList;
use serde_json::Value;

/// Merges the parameters of all modules of ours in `json`; other modules, and fields we do not know, are left alone.
///
/// # Errors
///
/// [`ModulesError`] for what is not JSON, has another shape than Mesos wants (with the path in the JSON), has no module
/// of ours, or gives one parameter two values.
pub fn modules(json: &str) -> Result<ParameterList, ModulesError> {
    let json: Value = serde_json::from_str(json)?;
    let root = Node {
        path: String::new(),
        value: Some(&json),
    };
    let mut list = ParameterList::new();
    let mut found = false;
    for library in root.field("libraries")?.elements()? {
        for module in library.field("modules")?.elements_if_any()? {
            if !MODULE_NAMES.contains(&module.field("name")?.text()?) {
                continue;
            }
            found = true;
            for parameter in module.field("parameters")?.elements_if_any()? {
                list.insert(parameter.field("key")?.text()?, parameter.field("value")?.text()?)?;
            }
        }
    }
    if found {
        Ok(list)
    } else {
        Err(ModulesError::NotOurs)
    }
}

/// A place in the JSON, where there may be nothing.
struct Node<'a> {
    path: String,
    value: Option<&'a Value>,
}

impl<'a> Node<'a> {
    fn field(&self, name: &str) -> Result<Node<'a>, ModulesError> {
        let Some(Value::Object(fields)) = self.value else {
            return Err(self.must_be("an object"));
        };
        let separator = if self.path.is_empty() { "" } else { "." };
        Ok(Node {
            path: format!("{}{separator}{name}", self.path),
            value: fields.get(name),
        })
    }

    fn elements(&self) -> Result<Vec<Node<'a>>, ModulesError> {
        let Some(Value::Array(elements)) = self.value else {
            return Err(self.must_be("an array"));
        };
        let node = |(i, value)| Node {
            path: format!("{}[{i}]", self.path),
            value: Some(value),
        };
        Ok(elements.iter().enumerate().map(node).collect())
    }

    /// As `elements`, where Mesos lets the array be left out.
    fn elements_if_any(&self) -> Result<Vec<Node<'a>>, ModulesError> {
        if self.value.is_none() {
            Ok(Vec::new())
        } else {
            self.elements()
        }
    }

    fn text(&self) -> Result<&'a str, ModulesError> {
        match self.value {
            Some(Value::String(text)) => Ok(text),
            _ => Err(self.must_be("a string")),
        }
    }

    fn must_be(&self, expected: &'static str) -> ModulesError {
        let path = if self.path.is_empty() {
            "the whole".to_owned()
        } else {
            self.path.clone()
        };
        let found = match self.value {
            None => "nothing".to_owned(),
            Some(Value::Object(_)) => "an object".to_owned(),
            Some(Value::Array(_)) => "an array".to_owned(),
            Some(Value::String(text)) => format!("the string \"{}\"", shown(text)),
            Some(Value::Null) => "null".to_owned(),
            Some(scalar) if expected == "a string" => format!("{scalar} without quotes"),
            Some(scalar) => scalar.to_string(),
        };
        ModulesError::Shape {
            path,
            expected,
            found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISOLATOR: &str = "com_mesosphere_StatsIsolatorModule";

    #[test]
    fn our_modules_are_merged_and_others_left_alone() {
        let json = r#"{"comment": 1, "libraries": [
            {"file": "/lib/libother.so", "modules": [{"name": "org_other", "parameters": "anything"}]},
            {"name": "none"},
            {"name": "stats-slave", "modules": [
                {"name": "com_mesosphere_StatsIsolatorModule"},
                {"name": "com_mesosphere_StatsEnvHook", "parameters": [{"key": "b", "value": "2"}]},
                {"name": "com_mesosphere_MetricsResourceEstimatorModule",
                 "parameters": [{"key": "b", "value": "2"}, {"key": "a", "value": "\u00e9"}]}]}]}"#;
        let list = modules(json).unwrap();
        assert_eq!(list.iter().collect::<Vec<_>>(), [("b", "2"), ("a", "é")]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_path() {
        let ours = |parameters: &str| {
            format!(r#"{{"libraries":[{{"modules":[{{"name":"{ISOLATOR}","parameters":{parameters}}}]}}]}}"#)
        };
        let cases = [
            (
                String::new(),
                "not JSON: EOF while parsing a value at line 1 column 0",
            ),
            ("{} {}".into(), "not JSON: trailing characters at line 1 column 4"),
            ("[]".into(), "the whole must be an object, found an array"),
            ("{}".into(), "libraries must be an array, found nothing"),
            (
                r#"{"libraries":{}}"#.into(),
                "libraries must be an array, found an object",
            ),
            (
                r#"{"libraries":["x\n"]}"#.into(),
                r#"libraries[0] must be an object, found the string "x\n""#,
            ),
            (
                r#"{"libraries":[{"modules":null}]}"#.into(),
                "libraries[0].modules must be an array, found null",
            ),
            (
                r#"{"libraries":[{"modules":[3]}]}"#.into(),
                "libraries[0].modules[0] must be an object, found 3",
            ),
            (
                r#"{"libraries":[{"modules":[{}]}]}"#.into(),
                "libraries[0].modules[0].name must be a string, found nothing",
            ),
            (
                ours(r#"{"a":"b"}"#),
                "libraries[0].modules[0].parameters must be an array, found an object",
            ),
            (
                ours(r#"[{"key":"k","value":"v"},{"key":"listen_port","value":8125}]"#),
                "libraries[0].modules[0].parameters[1].value must be a string, found 8125 without quotes",
            ),
            (
                ours(r#"[{"value":"v"}]"#),
                "libraries[0].modules[0].parameters[0].key must be a string, found nothing",
            ),
            (
                ours(r#"[{"key":"k","value":"1"},{"key":"k","value":"2"}]"#),
                r#"k="1" and k="2""#,
            ),
            (
                r#"{"libraries":[]}"#.into(),
                "none of our modules, which are com_mesosphere_StatsIsolatorModule, ",
            ),
        ];
        for (json, expected) in cases {
            let error = modules(&json).unwrap_err().to_string();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }
}
