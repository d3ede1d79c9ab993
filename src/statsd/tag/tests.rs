use super::*;
use crate::container::ContainerId;
use proptest::prelude::*;

fn container(framework: &str, executor: &str, id: &str) -> Container {
    Container {
        id: ContainerId::new(id),
        framework_id: framework.to_owned(),
        executor_id: executor.to_owned(),
    }
}

fn tag(tagger: Tagger, owner: Owner<'_>, line: &str) -> String {
    let rendered = tagger.render(owner);
    let tagged = tagger.tag(Line::new(line.as_bytes()), &rendered);
    let text = String::from_utf8(tagged.pieces.concat()).unwrap();
    assert_eq!(tagged.len(), text.len());
    text
}

fn tagger(annotation: Annotation) -> Tagger {
    Tagger {
        annotation,
        order: TagOrder::FrameworkFirst,
    }
}

#[test]
fn key_prefix_and_none_as_the_vectors_say() {
    // metrics-vectors.md 1
    let idx = container("f.id", "e.id", "c.id");
    let id1 = container("f1", "e1", "c1");
    let odd = container("a:b", "x y", "p|q");
    let empty = container("", "", "");
    let cases = [
        (Owner::Unknown, "hello", "unknown_container.hello"),
        (Owner::Unknown, "hey", "unknown_container.hey"),
        (Owner::Unknown, "h", "unknown_container.h"),
        (Owner::Unknown, "", "unknown_container."),
        (Owner::Container(&idx), "hello", "f_id.e_id.c_id.hello"),
        (Owner::Container(&idx), "hi", "f_id.e_id.c_id.hi"),
        (Owner::Container(&idx), "", "f_id.e_id.c_id."),
        (
            Owner::Container(&id1),
            "hello|#tag1|@0.1",
            "f1.e1.c1.hello|#tag1|@0.1",
        ),
        (Owner::Container(&idx), "a.b:1|c", "f_id.e_id.c_id.a.b:1|c"),
        (Owner::Container(&odd), "m:1|g", "a:b.x y.p|q.m:1|g"),
        (Owner::Container(&empty), "m:1|g", "...m:1|g"),
    ];
    for (owner, line, expected) in cases {
        assert_eq!(tag(tagger(Annotation::KeyPrefix), owner, line), expected);
        assert_eq!(tag(tagger(Annotation::None), owner, line), line);
    }
}

#[test]
fn dots_of_ids_become_underscores() {
    // metrics-vectors.md 1, dot replacement
    for (id, key) in [
        ("", ""),
        (".", "_"),
        ("a", "a"),
        (".a", "_a"),
        ("a.", "a_"),
        ("a.a", "a_a"),
        (".a.", "_a_"),
        ("a.a.a", "a_a_a"),
        ("hello there.", "hello there_"),
        (".sotehuson.noseth.oideson.", "_sotehuson_noseth_oideson_"),
    ] {
        let known = container(id, "e", "c");
        let expected = format!("{key}.e.c.m");
        assert_eq!(
            tag(tagger(Annotation::KeyPrefix), Owner::Container(&known), "m"),
            expected
        );
    }
}

/// metrics-vectors.md 2.1, with `T` for the container's tags.
const TAGGED: [(&str, &str); 17] = [
    ("hello", "hello|#T"),
    ("", "|#T"),
    ("hello|#tag", "hello|#tag,T"),
    ("hello|@0.5|#tag", "hello|@0.5|#tag,T"),
    ("hello|#ta|@0.5", "hello|#ta,T|@0.5"),
    ("hello|&other|@0.5|#tag", "hello|&other|@0.5|#tag,T"),
    ("hello|#t|&other|@0.5", "hello|#t,T|&other|@0.5"),
    ("hello|#", "hello|#T"),
    ("hello|#,", "hello|#,T"),
    ("hello|", "hello||#T"),
    ("hello|#tag1|", "hello|#tag1,T|"),
    ("hello||", "hello|||#T"),
    ("hello||#tag1", "hello||#tag1,T"),
    ("hello|#|", "hello|#T|"),
    ("hello|#,|", "hello|#,T|"),
    ("a:1|c|#x:y|@0.1", "a:1|c|#x:y,T|@0.1"),
    ("a:1|c|#container_id:spoof", "a:1|c|#container_id:spoof,T"),
];

#[test]
fn datadog_tags_as_the_vectors_say() {
    let idx = container("f.id", "e.id", "c.id");
    for (line, expected) in TAGGED {
        let known = expected.replace('T', "framework_id:f.id,executor_id:e.id,container_id:c.id");
        assert_eq!(
            tag(tagger(Annotation::TagDatadog), Owner::Container(&idx), line),
            known
        );
        let unknown = expected.replace('T', "unknown_container");
        assert_eq!(tag(tagger(Annotation::TagDatadog), Owner::Unknown, line), unknown);
        assert_eq!(tag(tagger(Annotation::TagDatadog), Owner::Missing, line), unknown);
    }
}

#[test]
fn tags_of_before_may_2016_as_the_vectors_say() {
    // metrics-vectors.md 2.3
    let tagger = Tagger {
        annotation: Annotation::TagDatadog,
        order: TagOrder::ContainerFirst,
    };
    let known = container("f", "e", "c");
    for (line, expected) in [
        ("hello", "hello|#T17"),
        ("hello|#tag1|@0.1", "hello|@0.1|#tag1,T17"),
        ("hey|@0.2|#tag2", "hey|@0.2|#tag2,T17"),
        ("hi|#|@0.3", "hi|@0.3|#T17"),
        ("hi|#tag3|@0.3", "hi|@0.3|#tag3,T17"),
        ("hello|#t|&other|@0.5", "hello|&other|@0.5|#t,T17"),
        ("hello|#tag1|", "hello||#tag1,T17"),
        ("hello|#tag1|#tag2", "hello|#tag2|#tag1,T17"),
        ("hello|#|", "hello||#T17"),
        ("hello|#,|", "hello||#,T17"),
        ("hello|#,", "hello|#,T17"),
        ("hello|", "hello||#T17"),
    ] {
        let expected = expected.replace("T17", "container_id:c,executor_id:e,framework_id:f");
        assert_eq!(tag(tagger, Owner::Container(&known), line), expected);
    }
    assert_eq!(tag(tagger, Owner::Missing, "hello"), "hello|#missing_container");
    assert_eq!(tag(tagger, Owner::Unknown, "hello"), "hello|#unknown_container");
    let prefix = Tagger {
        annotation: Annotation::KeyPrefix,
        order: TagOrder::ContainerFirst,
    };
    assert_eq!(tag(prefix, Owner::Missing, "hello"), "missing_container.hello");
    assert_eq!(tag(prefix, Owner::Unknown, "hello"), "unknown_container.hello");
}

#[test]
fn hard_lines() {
    // mesos-api.md "Hard lines", and what goes with them
    let known = container("f", "e", "c");
    for (line, expected) in [
        ("a:1|ms|#x:y|c:abc|T1650000000", "a:1|ms|#x:y,T|c:abc|T1650000000"),
        ("a:1|ms|@0.5|c:abc", "a:1|ms|@0.5|c:abc|#T"),
        ("a:1:2:3|d|#x", "a:1:2:3|d|#x,T"),
        ("_sc|redis|2|m:down 10s", "_sc|redis|2|#T|m:down 10s"),
        (
            "_sc|redis|2|#a:b|m:down|#not tags",
            "_sc|redis|2|#a:b,T|m:down|#not tags",
        ),
        ("_sc|redis|2|m:down|#not tags", "_sc|redis|2|#T|m:down|#not tags"),
        ("_sc|redis|2|#|m:down", "_sc|redis|2|#T|m:down"),
        ("_sc|redis|2|#a|h:x|m:", "_sc|redis|2|#a,T|h:x|m:"),
        ("_sc|redis|0", "_sc|redis|0|#T"),
        ("_e{5,7}:title|te|#xt!|#k:v", "_e{5,7}:title|te|#xt!|#k:v,T"),
        ("_e{5,7}:title|te|#xt!", "_e{5,7}:title|te|#xt!|#T"),
        (
            "_e{5,4}:title|text|d:1|#k:v|h:x",
            "_e{5,4}:title|text|d:1|#k:v,T|h:x",
        ),
        // Lengths that are no lengths, or point behind the end, or overflow: a line like any other.
        ("_e{5,x}:title|text|#k", "_e{5,x}:title|text|#k,T"),
        ("_e{5,400}:title|text|#k", "_e{5,400}:title|text|#k,T"),
        (
            "_e{18446744073709551615,18446744073709551615}:t|t|#k",
            "_e{18446744073709551615,18446744073709551615}:t|t|#k,T",
        ),
        ("_e{", "_e{|#T"),
        ("_e}", "_e}|#T"),
        ("_e{1,1}", "_e{1,1}|#T"),
        ("a:1|c|#", "a:1|c|#T"),
    ] {
        let expected = match expected.rsplit_once('T') {
            Some((head, tail)) if !tail.starts_with('1') => {
                format!("{head}framework_id:f,executor_id:e,container_id:c{tail}")
            }
            _ => expected.replacen('T', "framework_id:f,executor_id:e,container_id:c", 1),
        };
        assert_eq!(
            tag(tagger(Annotation::TagDatadog), Owner::Container(&known), line),
            expected
        );
    }
    for line in ["_sc|redis|2|m:down", "_e{5,4}:title|text"] {
        let rendered = tagger(Annotation::KeyPrefix).render(Owner::Container(&known));
        let tagged = tagger(Annotation::KeyPrefix).tag(Line::new(line.as_bytes()), &rendered);
        assert!(!tagged.annotated);
        assert_eq!(tagged.pieces.concat(), line.as_bytes());
    }
    // An underscore alone makes no event.
    assert_eq!(
        tag(tagger(Annotation::KeyPrefix), Owner::Container(&known), "_e:1|c"),
        "f.e.c._e:1|c"
    );
}

/// Adds the tags in the plainest way; for metric lines only.
fn naive(line: &str, tags: &str) -> String {
    let Some(start) = line.find("|#") else {
        return format!("{line}|#{tags}");
    };
    let end = line[start + 2..]
        .find('|')
        .map_or(line.len(), |at| start + 2 + at);
    let comma = if line[..end].ends_with(['#', ',']) {
        ""
    } else {
        ","
    };
    format!("{}{comma}{tags}{}", &line[..end], &line[end..])
}

proptest! {
    #[test]
    fn agrees_with_the_naive_tagger(line in "[a#|,:@]{0,30}") {
        let known = container("f", "e", "c");
        let expected = naive(&line, "framework_id:f,executor_id:e,container_id:c");
        prop_assert_eq!(tag(tagger(Annotation::TagDatadog), Owner::Container(&known), &line), expected);
    }

    #[test]
    fn adds_only_the_tags(line in "(_e\\{[0-9]{1,2},[0-9]{1,2}\\}:|_sc\\||)[a#|,:@m]{0,30}", first in any::<bool>()) {
        // metrics-vectors.md 25.1: without the inserted text, and at most one comma, the line is what it was.
        let order = if first { TagOrder::FrameworkFirst } else { TagOrder::ContainerFirst };
        let text = tag(Tagger { annotation: Annotation::TagDatadog, order }, Owner::Unknown, &line);
        let sorted = |text: &str| { let mut bytes = text.as_bytes().to_vec(); bytes.sort_unstable(); bytes };
        prop_assert_eq!(text.matches("unknown_container").count(), 1);
        let without = |inserted: &str| sorted(&text.replacen(inserted, "", 1));
        let line = sorted(&line);
        prop_assert!(["|#unknown_container", ",unknown_container", "unknown_container"].into_iter().any(|t| without(t) == line));
    }
}
