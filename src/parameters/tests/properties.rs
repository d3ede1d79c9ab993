//! Whatever a list holds, reading it ends well.

use super::*;
use proptest::prelude::*;

fn any_list() -> impl Strategy<Value = Vec<(String, String)>> {
    let names = TABLE
        .iter()
        .flat_map(|setting| [Some(setting.name), setting.old_name])
        .flatten();
    let words = [
        "", "0", "1", "2", "65536", "true", "false", "none", "single", "range", "::1", "lo", "\n",
    ];
    let texts = TABLE.iter().filter_map(|setting| setting.default).chain(words);
    let key = prop_oneof![
        99 => proptest::sample::select(names.map(str::to_owned).collect::<Vec<_>>()),
        1 => any::<String>(),
    ];
    let value = prop_oneof![
        4 => proptest::sample::select(texts.map(str::to_owned).collect::<Vec<_>>()),
        1 => any::<String>(),
    ];
    proptest::collection::vec((key, value), 0..6)
}

proptest! {
    #[test]
    fn any_list_is_read_or_refused_in_one_line(pairs in any_list()) {
        match ParameterList::from_pairs(pairs).and_then(|list| Parameters::from_list(&list)) {
            Ok(parameters) => {
                prop_assert!(parameters.collector.is_some() || parameters.statsd.is_some());
                prop_assert!(!parameters.period.is_zero());
            }
            Err(error) => {
                let text = error.to_string();
                prop_assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
                prop_assert!(text.len() < 4000, "{text:?}");
            }
        }
    }

    #[test]
    fn order_and_the_number_of_lists_do_not_matter(pairs in any_list(), cut in 0_usize..6) {
        let whole = ParameterList::from_pairs(pairs.clone()).ok().and_then(|list| Parameters::from_list(&list).ok());
        let (first, second) = pairs.split_at(cut.min(pairs.len()));
        let merged = || {
            let mut list = ParameterList::from_pairs(second.iter().cloned()).ok()?;
            list.merge(&ParameterList::from_pairs(first.iter().cloned()).ok()?).ok()?;
            Parameters::from_list(&list).ok()
        };
        prop_assert_eq!(whole, merged());
    }
}
