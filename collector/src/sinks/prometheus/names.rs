//! Names and texts made legal for Prometheus: metric names are `[a-zA-Z_:][a-zA-Z0-9_:]*`, label names the same without
//! colon, and everything else is quoted.

/// Appends a metric's name, legal. An empty one becomes `_`.
pub(super) fn push_metric_name(out: &mut String, name: &str) {
    push_legal(out, name, |byte| byte == b':');
}

/// The name of the label that stands for a tag with this key.
pub(super) fn label_name(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 1);
    push_legal(&mut name, key, |_| false);
    if name.starts_with("__") || name == "quantile" || name == "le" {
        name.insert_str(0, "exported_");
    }
    name
}

fn push_legal(out: &mut String, text: &str, also: impl Fn(u8) -> bool) {
    if text.is_empty() || text.starts_with(|first: char| first.is_ascii_digit()) {
        out.push('_');
    }
    out.extend(text.chars().map(|character| match u8::try_from(character) {
        Ok(byte) if byte.is_ascii_alphanumeric() || byte == b'_' || also(byte) => character,
        _ => '_',
    }));
}

/// Appends a text for use between double quotes, or in a comment, where the text format leaves `quotes` as they are.
pub(super) fn push_escaped(out: &mut String, text: &str, quotes: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str(r"\\"),
            '"' if quotes => out.push_str(r#"\""#),
            '\n' => out.push_str(r"\n"),
            // Prometheus' reader takes a zero byte for the end of the page, and the formats have no escape for it.
            '\0' => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names() {
        for (name, legal) in [
            ("shop.requests", "shop_requests"),
            ("Shop:a-b c", "Shop:a_b_c"),
            ("5xx", "_5xx"),
            ("größe", "gr__e"),
            ("__x", "__x"),
            ("", "_"),
            ("\0\n", "__"),
        ] {
            let mut out = String::new();
            push_metric_name(&mut out, name);
            assert_eq!(out, legal, "{name:?}");
        }
    }

    #[test]
    fn label_names() {
        for (key, legal) in [
            ("framework_id", "framework_id"),
            ("a:b", "a_b"),
            ("1st", "_1st"),
            ("", "_"),
            ("le", "exported_le"),
            ("quantile", "exported_quantile"),
            ("__name__", "exported___name__"),
            ("..x", "exported___x"),
            ("_x", "_x"),
            ("less", "less"),
        ] {
            assert_eq!(label_name(key), legal, "{key:?}");
        }
    }

    #[test]
    fn escapes() {
        for (text, quoted, comment) in [
            ("plain ü \r", "plain ü \r", "plain ü \r"),
            ("\\\"\n", r#"\\\"\n"#, r#"\\"\n"#),
            ("\0", "\u{fffd}", "\u{fffd}"),
        ] {
            for (quotes, expected) in [(true, quoted), (false, comment)] {
                let mut out = String::new();
                push_escaped(&mut out, text, quotes);
                assert_eq!(out, expected, "{text:?}");
            }
        }
    }
}
