//! What a topic of records is called in Kafka.

/// The longest name Kafka allows for a topic, in bytes.
pub(super) const LONGEST: usize = 249;

/// The topic in Kafka that records of `topic` go to (`reference/metrics.md` 2.5): `prefix` and the records' topic.
///
/// Kafka allows letters, digits, `.`, `_` and `-`. In 2016 records of other topics were lost; here each other character
/// becomes a `_`, a name that is too long is cut, and `.`, `..` and the empty name become `_` for each character, at least
/// one.
pub(super) fn kafka_topic(prefix: &str, topic: &str) -> String {
    // ASCII only from here on, so that bytes are characters.
    let mut name: String = prefix
        .chars()
        .chain(topic.chars())
        .take(LONGEST)
        .map(legal)
        .collect();
    if name.is_empty() || name == "." || name == ".." {
        name = "_".repeat(name.len().max(1));
    }
    name
}

/// Whether Kafka allows a topic of this name.
pub(super) fn is_legal(name: &str) -> bool {
    kafka_topic("", name) == name
}

/// As much of `topic` as can make a difference: what is remembered of a name that a peer chose.
pub(super) fn significant(topic: &str) -> &str {
    match topic.char_indices().nth(LONGEST) {
        None => topic,
        Some((end, _)) => &topic[..end],
    }
}

fn legal(character: char) -> char {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => character,
        _ => '_',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "x".repeat(300);
        for (prefix, topic, expected) in [
            ("metrics-", "agent", "metrics-agent"),
            ("metrics-", "5d5e9cd1-d2b4.x_Y", "metrics-5d5e9cd1-d2b4.x_Y"),
            ("metrics-", "", "metrics-"),
            ("metrics-", "a b/ü\0", "metrics-a_b___"),
            ("", "", "_"),
            ("", ".", "_"),
            ("", "..", "__"),
            ("", "...", "..."),
            (".", "", "_"),
            ("m/", ".", "m_."),
            ("metrics-", &long, &format!("metrics-{}", &long[..241])),
            ("", &"ü".repeat(300), &"_".repeat(249)),
        ] {
            assert_eq!(kafka_topic(prefix, topic), expected, "{prefix} {topic}");
        }
    }

    #[test]
    fn what_is_left_out_makes_no_difference() {
        for topic in ["", "a", &"ü".repeat(250), &"a".repeat(1 << 20)] {
            let significant = significant(topic);
            assert!(significant.chars().count() <= LONGEST);
            assert_eq!(kafka_topic("", topic), kafka_topic("", significant));
        }
    }
}
