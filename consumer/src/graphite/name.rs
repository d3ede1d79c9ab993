//! Names of series that Carbon can store as files.

use super::GraphiteOptions;
use stats_schema::TagRef;

/// The tags whose values stand before the name, in this order.
const IDS: [&str; 3] = ["framework_id", "executor_id", "container_id"];

/// Appends what stands before the names of a list's series (`reference/metrics.md` 3.2), and a dot if that is anything.
///
/// Two things differ from 2016. A dot in an id becomes `_`, so that an id is always one level. Of several tags with the same
/// key the first counts, which is the module's own, and not the last, which a task can choose.
pub(super) fn put_prefix(out: &mut Vec<u8>, options: &GraphiteOptions, tags: &[TagRef<'_>]) {
    put_levels(out, &options.graphite_prefix);
    if options.graphite_prefix_ids {
        for id in IDS {
            if let Some(tag) = tags.iter().find(|tag| tag.key == id) {
                put_level(out, tag.value);
            }
        }
    }
}

/// Appends `name`; an empty one becomes `_`.
pub(super) fn put_name(out: &mut Vec<u8>, name: &str, suffix: Option<&str>) {
    let start = out.len();
    put_levels(out, name);
    if out.len() == start {
        out.extend_from_slice(b"_.");
    }
    if let Some(suffix) = suffix {
        put_level(out, suffix);
    }
    out.pop();
}

/// Appends each level and a dot. Empty levels, which have no file name, are left out.
fn put_levels(out: &mut Vec<u8>, levels: &str) {
    levels.split('.').for_each(|level| put_level(out, level));
}

fn put_level(out: &mut Vec<u8>, level: &str) {
    if level.is_empty() {
        return;
    }
    out.extend(level.chars().map(legal));
    out.push(b'.');
}

/// Characters that are part of a path, pattern, query or the protocol itself become `_`, and so does all that is not ASCII.
fn legal(character: char) -> u8 {
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii_alphanumeric() || b"_-:+%@#".contains(&byte) => byte,
        _ => b'_',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphite::Protocol;
    use proptest::prelude::*;

    fn name(prefix: &str, ids: bool, tags: &[(&str, &str)], name: &str) -> String {
        let options = GraphiteOptions {
            output_host: String::new(),
            output_port: 0,
            graphite_protocol: Protocol::Tcp,
            graphite_prefix: prefix.to_owned(),
            graphite_prefix_ids: ids,
        };
        let tags: Vec<_> = tags.iter().map(|&(key, value)| TagRef { key, value }).collect();
        let mut out = Vec::new();
        put_prefix(&mut out, &options, &tags);
        put_name(&mut out, name, None);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names() {
        let all = &[
            ("container_id", "c.1"),
            ("framework_id", "f"),
            ("executor_id", "e/x y"),
            ("a", "b"),
        ][..];
        for (prefix, ids, tags, given, expected) in [
            ("", true, all, "cpu.load", "f.e_x_y.c_1.cpu.load"),
            ("", false, all, "cpu.load", "cpu.load"),
            ("dc1.stats.", true, all, "n", "dc1.stats.f.e_x_y.c_1.n"),
            ("", true, &[("executor_id", "e")], "n", "e.n"),
            ("", true, &[("executor_id", "")], "n", "n"),
            (
                "",
                true,
                &[("framework_id", "own"), ("framework_id", "spoof")],
                "n",
                "own.n",
            ),
            ("", true, &[], "", "_"),
            ("", true, &[], "...", "_"),
            ("p", true, &[], "../../etc/passwd", "p._._etc_passwd"),
            ("", true, &[], ".a..b.", "a.b"),
            ("", true, &[], "tempé;x=1\n2", "temp__x_1_2"),
            ("", true, &[], "a-b_c:d+e%f@g#h", "a-b_c:d+e%f@g#h"),
        ] {
            assert_eq!(name(prefix, ids, tags, given), expected, "{given}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_a_path_of_legal_levels(prefix in ".{0,9}", id in ".{0,9}", given in ".{0,20}") {
            let name = name(&prefix, true, &[("framework_id", &id)], &given);
            prop_assert!(!name.is_empty());
            for level in name.split('.') {
                prop_assert!(!level.is_empty() && level.bytes().all(|byte| byte.is_ascii_graphic()), "{name}");
                prop_assert!(!level.contains(['/', '*', ';', '{', ',', '~', '=', '\\']), "{name}");
            }
        }
    }
}
