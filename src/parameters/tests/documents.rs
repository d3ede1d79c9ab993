//! What is written about parameters is what they are.

use super::*;

#[test]
fn every_default_written_out_changes_nothing() {
    for setting in TABLE {
        for default in [setting.default, setting.default_1_7].into_iter().flatten() {
            assert_eq!(
                setting.kind.check(setting.name, default),
                Ok(()),
                "{}",
                setting.name
            );
        }
    }
    let new = TABLE
        .iter()
        .filter_map(|setting| Some((setting.name, setting.default?)));
    assert_eq!(read(&new.collect::<Vec<_>>()).unwrap(), defaults_of_1_8());
    let old = TABLE
        .iter()
        .filter_map(|setting| Some((setting.old_name.unwrap_or(setting.name), setting.default_1_7?)));
    assert_eq!(read(&old.collect::<Vec<_>>()).unwrap(), defaults_of_1_7());
}

#[test]
fn names_are_used_once() {
    let mut names: Vec<_> = TABLE.iter().map(|setting| setting.name).collect();
    names.extend(
        TABLE
            .iter()
            .filter(|s| s.old_name != Some(s.name))
            .filter_map(|s| s.old_name),
    );
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_documented_table_is_the_table() {
    let table = markdown_table();
    assert!(
        file("docs/configuration.md").contains(&table),
        "docs/configuration.md must contain exactly this table:\n\n{table}"
    );
}

/// The example is the usual configuration with every default of 1.8 that matters to it written out.
#[test]
fn the_example_spells_out_the_defaults() {
    let list = modules(&file("mesos-agent-modules.json.example")).unwrap();
    assert_eq!(Parameters::from_list(&list).unwrap(), defaults_of_1_8());
    let docs = file("docs/configuration.md");
    let explanation = docs.split("## The example").nth(1).unwrap();
    for (key, value) in list.iter() {
        assert!(
            explanation.contains(&format!("`{key}`")),
            "{key}={value} is not explained"
        );
    }
}
