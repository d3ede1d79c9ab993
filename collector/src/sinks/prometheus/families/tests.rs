use super::*;

/// Creates what a datapoint of each name and type needs, and shows whether it was there, and its name.
fn names(families: &mut Families, sent: &[(&str, MetricType)]) -> (Vec<String>, Vec<Arc<Family>>) {
    let mut held = Vec::new();
    let names = sent
        .iter()
        .map(
            |&(sent, metric_type)| match families.place(sent, Kind::of(metric_type)) {
                Ok(Place::Exists(family)) => format!("={}", family.name),
                Ok(Place::Free(name)) => {
                    held.push(families.create(&name, sent, metric_type));
                    name
                }
                Err(refusal) => refusal.as_str().to_owned(),
            },
        )
        .collect();
    (names, held)
}

#[test]
fn a_name_has_one_kind() {
    use MetricType::{Counter, Distribution, Gauge, GaugeDelta, Set, Timer, Unknown};
    for (sent, expected) in [
        (
            [("a.b", Gauge), ("a-b", GaugeDelta), ("a_b", Unknown)],
            ["a_b", "=a_b", "=a_b"],
        ),
        (
            [("a", Counter), ("a_total", Counter), ("_total", Counter)],
            ["a", "=a", "_total"],
        ),
        (
            [("a", Counter), ("a", Timer), ("a", Distribution)],
            ["a", "a_samples", "=a_samples"],
        ),
        (
            [("a", Timer), ("a", Gauge), ("a", Set)],
            ["a", "a_value", "a_members"],
        ),
        // Names that samples of others have.
        (
            [("a", Timer), ("a_sum", Gauge), ("a_count", Set)],
            ["a", "a_sum_value", "a_count_members"],
        ),
        (
            [("a_count", Gauge), ("a", Timer), ("a", Timer)],
            ["a_count", "a_samples", "=a_samples"],
        ),
        (
            [("a_total", Gauge), ("a", Counter), ("a", Counter)],
            ["a_total", "a_increments", "=a_increments"],
        ),
        (
            [("a", Counter), ("a_total", Gauge), ("a_value", Gauge)],
            ["a", "a_total_value", "a_value"],
        ),
        (
            [("a", Gauge), ("a_increments", Gauge), ("a", Counter)],
            ["a", "a_increments", "name_taken"],
        ),
        (
            [("ours", Gauge), ("", Gauge), ("x", Gauge)],
            ["ours_value", "bad_name", "x"],
        ),
    ] {
        let mut families = Families::new(0);
        families.reserve("ours");
        assert_eq!(names(&mut families, &sent).0, expected, "{sent:?}");
    }
}

#[test]
fn names_are_free_after_the_last_series() {
    let mut families = Families::new(1 << 10);
    families.reserve("ours");
    let (_, held) = names(&mut families, &[("a", MetricType::Timer)]);
    assert_eq!(families.bytes(), Families::cost("a", Kind::Summary));
    families.sweep();
    assert!(matches!(families.place("a", Kind::Summary), Ok(Place::Exists(_))));
    drop(held);
    // With the old names unswept, and swept.
    let (free, held) = names(&mut families, &[("a", MetricType::Counter)]);
    assert_eq!(free, ["a"]);
    drop(held);
    families.sweep();
    assert_eq!((families.bytes(), families.claims.len()), (0, 1));
}

#[test]
fn long_names_are_refused() {
    let families = Families::new(0);
    for (length, good) in [(MAX_NAME_BYTES, true), (MAX_NAME_BYTES + 1, false)] {
        assert_eq!(families.place(&"x".repeat(length), Kind::Set).is_ok(), good);
    }
}

#[test]
fn spellings_are_remembered_by_kind() {
    let mut families = Families::new(1 << 10);
    families.remember("a.b", Kind::Counter, 7);
    assert_eq!(families.known("a.b", Kind::Counter), Some(7));
    assert_eq!(families.known("a.b", Kind::Gauge), None);
    assert_eq!(families.known("a_b", Kind::Counter), None);
}
