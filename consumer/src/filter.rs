//! Which frameworks' lists are wanted.

use stats_schema::TagRef;

/// The frameworks of FRAMEWORK_NAMES; none means all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    names: Vec<String>,
}

/// Stands among the names for lists without a framework.
const WITHOUT_FRAMEWORK: &str = "null";

impl Filter {
    pub(crate) fn new(names: &[String]) -> Self {
        Self {
            names: names.to_vec(),
        }
    }

    /// Whether a list with these tags is wanted. The first `framework_name` counts, as everywhere.
    pub(crate) fn wants(&self, tags: &[TagRef<'_>]) -> bool {
        if self.names.is_empty() {
            return true;
        }
        let name = tags
            .iter()
            .find(|tag| tag.key == "framework_name")
            .map_or(WITHOUT_FRAMEWORK, |tag| tag.value);
        self.names.iter().any(|wanted| wanted == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frameworks() {
        for (names, tags, expected) in [
            (&[][..], &[][..], true),
            (&[], &["marathon"], true),
            (&["marathon"], &["marathon"], true),
            (&["marathon"], &["kafka"], false),
            (&["marathon"], &["kafka", "marathon"], false),
            (&["marathon", "kafka"], &["kafka", "x"], true),
            (&["marathon"], &[], false),
            (&["null"], &[], true),
            (&["null"], &["kafka"], false),
            (&["kafka", "null"], &[], true),
        ] {
            let filter = Filter::new(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
            let other = TagRef {
                key: "agent_id",
                value: "marathon",
            };
            let tags: Vec<_> = std::iter::once(other)
                .chain(tags.iter().map(|value| TagRef {
                    key: "framework_name",
                    value,
                }))
                .collect();
            assert_eq!(filter.wants(&tags), expected, "{names:?} {tags:?}");
        }
    }
}
