//! Which labels of a task become tags.

use super::json;
use super::skipped::Skipped;
use serde::Deserialize;
use serde_json::value::RawValue;
use stats_schema::Tag;

/// A longer value is for programs to read, not for a database's index (`reference/metrics.md` 6.4).
const MAX_VALUE_BYTES: usize = 128;

/// Whoever starts a task chooses how many labels with the prefix it has, and every record carries them.
const MAX_TAGS: usize = 32;

/// Labels with one of these names, and labels whose name begins with the prefix, which is taken off
/// (`reference/metrics.md` 6.8).
#[derive(Clone, Debug, Default)]
pub struct LabelChoice {
    /// Names of labels. They become tags under the same name.
    pub names: Vec<String>,
    /// The beginning of more names; empty for none.
    pub prefix: String,
}

impl LabelChoice {
    /// The tags of a task with these labels: at most 32, of which the values have at most 128 bytes. The first of several
    /// with one name wins.
    pub(super) fn tags(&self, labels: Option<&RawValue>, skipped: &mut Skipped) -> Vec<Tag> {
        let mut tags: Vec<Tag> = Vec::new();
        each(labels, skipped, |key, value| {
            if let Some(key) = self.tag_key(key)
                && !value.is_empty()
                && value.len() <= MAX_VALUE_BYTES
                && tags.len() < MAX_TAGS
                && tags.iter().all(|tag| tag.key != key)
            {
                tags.push(Tag {
                    key: key.to_owned(),
                    value: value.to_owned(),
                });
            }
        });
        tags
    }

    fn tag_key<'a>(&self, label: &'a str) -> Option<&'a str> {
        if self.names.iter().any(|name| name == label) {
            return Some(label);
        }
        let key = label.strip_prefix(self.prefix.as_str())?;
        (!self.prefix.is_empty() && !key.is_empty() && key.len() <= MAX_VALUE_BYTES).then_some(key)
    }
}

/// The application that Marathon started: `MARATHON_APP_ID` or `DCOS_SPACE` without its leading slashes, the last one
/// (`reference/metrics.md` 2.4).
pub(super) fn application(labels: Option<&RawValue>, skipped: &mut Skipped) -> Option<String> {
    let mut name = None;
    each(labels, skipped, |key, value| {
        if matches!(key, "MARATHON_APP_ID" | "DCOS_SPACE") {
            name = Some(value.trim_start_matches('/').to_owned());
        }
    });
    name.filter(|name| !name.is_empty())
}

#[derive(Deserialize)]
struct Label<'a> {
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

/// Calls `found` for every label. One without a value has the empty one, as in Mesos.
fn each(labels: Option<&RawValue>, skipped: &mut Skipped, mut found: impl FnMut(&str, &str)) {
    let Some(labels) = labels else {
        return;
    };
    let mut faults = 0_u64;
    let array = json::elements(labels.get(), |label| {
        let label = json::object::<Label>(label);
        match label.and_then(|label| Some((json::text(label.key)?, label.value))) {
            Some((key, None)) => found(&key, ""),
            Some((key, value)) => match json::text(value) {
                Some(value) => found(&key, &value),
                None => faults += 1,
            },
            None => faults += 1,
        }
    });
    faults += u64::from(array.is_err());
    for _ in 0..faults {
        skipped.add(|| "a label that is no pair of texts".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(choice: &LabelChoice, labels: &str) -> (Vec<(String, String)>, u64) {
        let mut skipped = Skipped::default();
        let raw: &RawValue = serde_json::from_str(labels).unwrap();
        let tags = choice.tags(Some(raw), &mut skipped);
        let pairs = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
        (pairs, skipped.count)
    }

    #[test]
    fn names_and_prefix_choose() {
        let choice = LabelChoice {
            names: vec!["team".to_owned()],
            prefix: "DCOS_METRICS_".to_owned(),
        };
        let long = "x".repeat(129);
        for (labels, expected, skipped) in [
            ("[]", vec![], 0),
            (
                r#"[{"key":"team","value":"search"}]"#,
                vec![("team", "search")],
                0,
            ),
            (
                r#"[{"key":"DCOS_METRICS_FOO","value":"bar"}]"#,
                vec![("FOO", "bar")],
                0,
            ),
            (
                r#"[{"key":"DCOS_METRICS_","value":"bar"},{"key":"other","value":"x"}]"#,
                vec![],
                0,
            ),
            (
                r#"[{"key":"team","value":"a"},{"key":"DCOS_METRICS_team","value":"b"}]"#,
                vec![("team", "a")],
                0,
            ),
            (
                r#"[{"key":"team"},{"key":"DCOS_METRICS_E","value":""}]"#,
                vec![],
                0,
            ),
            (
                r#"[{"key":"team","value":1},3,{"value":"v"},{"key":"DCOS_METRICS_A","value":"b"}]"#,
                vec![("A", "b")],
                3,
            ),
            (r#"{"labels":[]}"#, vec![], 1),
            (&format!(r#"[{{"key":"team","value":"{long}"}}]"#), vec![], 0),
        ] {
            let (found, faults) = tags(&choice, labels);
            let found: Vec<_> = found
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect();
            assert_eq!((found, faults), (expected, skipped), "{labels}");
        }
        assert_eq!(
            tags(&LabelChoice::default(), r#"[{"key":"a","value":"b"}]"#).0,
            []
        );
        let many: Vec<_> = (0..100)
            .map(|n| format!(r#"{{"key":"DCOS_METRICS_{n}","value":"v"}}"#))
            .collect();
        assert_eq!(tags(&choice, &format!("[{}]", many.join(","))).0.len(), MAX_TAGS);
    }

    #[test]
    fn the_last_application_wins() {
        for (labels, expected) in [
            ("[]", None),
            (r#"[{"key":"MARATHON_APP_ID","value":"///x"}]"#, Some("x")),
            (
                r#"[{"key":"DCOS_SPACE","value":"/a/b"},{"key":"MARATHON_APP_ID","value":"/c"}]"#,
                Some("c"),
            ),
            (
                r#"[{"key":"MARATHON_APP_ID","value":"/c"},{"key":"DCOS_SPACE","value":"/a/b"}]"#,
                Some("a/b"),
            ),
            (r#"[{"key":"MARATHON_APP_ID","value":"/"}]"#, None),
            (r#"[{"key":"MARATHON_APP_ID","value":{}}]"#, None),
        ] {
            let raw: &RawValue = serde_json::from_str(labels).unwrap();
            let mut skipped = Skipped::default();
            assert_eq!(
                application(Some(raw), &mut skipped).as_deref(),
                expected,
                "{labels}"
            );
        }
    }
}
