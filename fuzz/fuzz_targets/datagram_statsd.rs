//! Any bytes as a datagram for the StatsD output: it is split as one would by hand, and a tagged line is the line and what
//! belongs to its container, once and in the right place.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stats_slave::container::{Container, ContainerId};
use stats_slave::parameters::{Annotation, TagOrder};
use stats_slave::statsd::lines::{Line, lines};
use stats_slave::statsd::tag::{Owner, Tagger};

const PREFIX: &str = "f_1.e x.c|1.";
const TAGS: &str = "framework_id:f.1,executor_id:e x,container_id:c|1";
const TAGS_REVERSED: &str = "container_id:c|1,executor_id:e x,framework_id:f.1";

fuzz_target!(|datagram: &[u8]| {
    let found: Vec<Line<'_>> = lines(datagram).collect();
    assert_eq!(found, split(datagram));
    let container = Container {
        id: ContainerId::nested(vec!["parent".to_owned()], "c|1"),
        framework_id: "f.1".to_owned(),
        executor_id: "e x".to_owned(),
    };
    for annotation in [Annotation::None, Annotation::KeyPrefix, Annotation::TagDatadog] {
        for order in [TagOrder::FrameworkFirst, TagOrder::ContainerFirst] {
            let tagger = Tagger { annotation, order };
            for line in &found {
                check(
                    *line,
                    tagger,
                    Owner::Container(&container),
                    PREFIX,
                    tags_in(order),
                );
                check(
                    *line,
                    tagger,
                    Owner::Unknown,
                    "unknown_container.",
                    "unknown_container",
                );
            }
        }
    }
});

fn tags_in(order: TagOrder) -> &'static str {
    match order {
        TagOrder::FrameworkFirst => TAGS,
        TagOrder::ContainerFirst => TAGS_REVERSED,
    }
}

/// The datagram's lines, found in the plainest way.
fn split(datagram: &[u8]) -> Vec<Line<'_>> {
    datagram
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .map(|bytes| Line {
            bytes,
            tags: find(bytes, b"|#").map(|at| at + 2),
        })
        .collect()
}

fn check(line: Line<'_>, tagger: Tagger, owner: Owner<'_>, prefix: &str, tags: &str) {
    let rendered = tagger.render(owner);
    let tagged = tagger.tag(line, &rendered);
    let text = tagged.pieces.concat();
    assert_eq!(tagged.len(), text.len());
    assert!(!text.contains(&b'\n'));

    // Pieces of the line lie in the line, whose order they may have left; the others are what was added.
    let within = line.bytes.as_ptr_range();
    let (mut kept, added): (Vec<&[u8]>, Vec<&[u8]>) = tagged
        .pieces
        .into_iter()
        .filter(|piece| !piece.is_empty())
        .partition(|piece| within.contains(&piece.as_ptr()));
    kept.sort_unstable_by_key(|piece| piece.as_ptr());
    assert_eq!(kept.concat(), line.bytes);
    let added = added.concat();

    let special = line.is_event() || line.is_service_check();
    assert_eq!(
        tagged.annotated,
        tagger.annotation != Annotation::KeyPrefix || !special
    );
    match tagger.annotation {
        Annotation::TagDatadog => {
            let added = added
                .strip_prefix(b"|#")
                .or(added.strip_prefix(b","))
                .unwrap_or(&added);
            assert_eq!(added, tags.as_bytes());
            if !special {
                assert_eq!(text, with_tags(line.bytes, tags, tagger.order));
            }
        }
        Annotation::KeyPrefix if tagged.annotated => {
            assert_eq!(text, [prefix.as_bytes(), line.bytes].concat())
        }
        Annotation::KeyPrefix | Annotation::None => assert_eq!(text, line.bytes),
    }
    if line.is_service_check()
        && tagger.annotation == Annotation::TagDatadog
        && let Some(message) = find(line.bytes, b"|m:")
    {
        assert!(text.ends_with(&line.bytes[message..]), "the message stays last");
    }
}

/// Tags a metric line by taking it to pieces at its bars.
fn with_tags(line: &[u8], tags: &str, order: TagOrder) -> Vec<u8> {
    let mut sections: Vec<Vec<u8>> = line.split(|byte| *byte == b'|').map(<[u8]>::to_vec).collect();
    let own = sections
        .iter()
        .skip(1)
        .position(|section| section.starts_with(b"#"));
    let Some(at) = own.map(|at| at + 1) else {
        return [line, b"|#", tags.as_bytes()].concat();
    };
    let mut section = sections.remove(at);
    let comma: &[u8] = if section.ends_with(b"#") || section.ends_with(b",") {
        b""
    } else {
        b","
    };
    section = [&section, comma, tags.as_bytes()].concat();
    let at = match order {
        TagOrder::FrameworkFirst => at,
        TagOrder::ContainerFirst => sections.len(),
    };
    sections.insert(at, section);
    sections.join(&b'|')
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
