//! Which file of `containers/` belongs to which container.

use crate::container::ContainerId;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The longest leaf id that becomes a file name as it is. File systems end at 255 bytes; the rest is for what an operator's
/// copy or `unreadable/` may append.
const MAX_NAME_BYTES: usize = 200;

/// How much of an id stands in front of the hash where the id itself can't be the name.
const KEPT_CHARACTERS: usize = 40;

/// The file names in use. The name of an existing file is only ever learnt from the directory, never computed again, so the
/// rule for new ones may differ from release to release.
#[derive(Debug, Default)]
pub(super) struct FileNames {
    of: HashMap<ContainerId, OsString>,
    taken: HashSet<OsString>,
}

impl FileNames {
    pub(super) fn get(&self, id: &ContainerId) -> Option<&OsStr> {
        self.of.get(id).map(OsString::as_os_str)
    }

    /// The container's file name, and whether it is new.
    pub(super) fn assign(&mut self, id: &ContainerId) -> (OsString, bool) {
        if let Some(name) = self.of.get(id) {
            return (name.clone(), false);
        }
        let mut name = plain(id).unwrap_or_else(|| hashed(id, 0));
        let mut attempt = 0;
        // There are fewer names taken than attempts possible, so this ends, nearly always at once.
        while self.taken.contains(&name) {
            name = hashed(id, attempt);
            attempt += 1;
        }
        self.record(id.clone(), name.clone());
        (name, true)
    }

    /// A container's file that is there already.
    pub(super) fn record(&mut self, id: ContainerId, name: OsString) {
        self.taken.insert(name.clone());
        self.of.insert(id, name);
    }

    /// A name that no container can have, because something else is there.
    pub(super) fn block(&mut self, name: OsString) {
        self.taken.insert(name);
    }

    /// The container's file is gone.
    pub(super) fn release(&mut self, id: &ContainerId) {
        if let Some(name) = self.of.remove(id) {
            self.taken.remove(&name);
        }
    }
}

/// The old rule (`reference/metrics.md` 1.13): the leaf id without its slashes. `None` where that is no good file name.
fn plain(id: &ContainerId) -> Option<OsString> {
    let name = id.leaf().replace('/', "");
    let usable = !matches!(name.as_str(), "" | "." | "..")
        && name.len() <= MAX_NAME_BYTES
        && !name.contains(char::is_control);
    usable.then(|| name.into())
}

/// The readable start of the leaf id and a hash of the whole id. That two ids hash alike is unlikely but harmless: the next
/// attempt gives another name.
fn hashed(id: &ContainerId, attempt: u64) -> OsString {
    let kept: String = id
        .leaf()
        .chars()
        .filter(|c| !c.is_control() && *c != '/')
        .take(KEPT_CHARACTERS)
        .collect();
    let mut hasher = DefaultHasher::new();
    (id, attempt).hash(&mut hasher);
    format!("{kept}~{:016x}", hasher.finish()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name_of(leaf: &str) -> String {
        FileNames::default()
            .assign(&ContainerId::new(leaf))
            .0
            .into_string()
            .unwrap()
    }

    #[test]
    fn ids_that_make_good_names_keep_the_old_rule() {
        let longest = "x".repeat(MAX_NAME_BYTES);
        for (id, name) in [
            ("hello", "hello"),
            ("../../../etc/shadow", "......etcshadow"),
            ("3f1b.json", "3f1b.json"),
            ("\u{e9} \"\\", "\u{e9} \"\\"),
            ("-rf", "-rf"),
            (&longest, &longest),
        ] {
            assert_eq!(name_of(id), name);
        }
    }

    #[test]
    fn others_get_a_bounded_name_that_says_which_id() {
        for (id, start) in [
            ("", "~"),
            ("/", "~"),
            (".", ".~"),
            ("..", "..~"),
            ("./.", "..~"),
            ("a\0b", "ab~"),
            ("a\nb\u{85}", "ab~"),
            (
                &"x".repeat(MAX_NAME_BYTES + 1),
                &format!("{}~", "x".repeat(KEPT_CHARACTERS)),
            ),
            (
                &"\u{1f600}".repeat(2_500),
                &format!("{}~", "\u{1f600}".repeat(KEPT_CHARACTERS)),
            ),
        ] {
            let name = name_of(id);
            let hash = name
                .strip_prefix(start)
                .unwrap_or_else(|| panic!("{id:?}: {name:?}"));
            assert!(
                hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()),
                "{name}"
            );
        }
    }

    #[test]
    fn containers_alike_get_different_names_until_one_is_gone() {
        let mut names = FileNames::default();
        let ids = [
            ContainerId::new("leaf"),
            ContainerId::nested(vec!["a".to_owned()], "leaf"),
            ContainerId::nested(vec!["b".to_owned()], "leaf"),
            ContainerId::new("le/af"),
        ];
        let given: Vec<OsString> = ids.iter().map(|id| names.assign(id).0).collect();
        assert_eq!(given[0], "leaf");
        assert_eq!(given.iter().collect::<HashSet<_>>().len(), ids.len());
        for (id, name) in ids.iter().zip(&given) {
            assert_eq!(names.assign(id), (name.clone(), false));
        }
        names.release(&ids[0]);
        assert_eq!(names.get(&ids[0]), None);
        assert_eq!(names.assign(&ContainerId::new("l/eaf")), ("leaf".into(), true));
    }

    #[test]
    fn a_name_and_its_hash_may_both_be_taken() {
        let id = ContainerId::new("leaf");
        let mut names = FileNames::default();
        names.block("leaf".into());
        names.block(hashed(&id, 0));
        assert_eq!(names.assign(&id), (hashed(&id, 1), true));
    }

    proptest! {
        #[test]
        fn any_ids_get_names_that_stay_in_the_directory(ids in prop::collection::hash_set("[./a-c\0\n]{0,4}|.{0,300}", 1..20)) {
            let mut names = FileNames::default();
            let mut given = HashSet::new();
            for id in &ids {
                let (name, is_new) = names.assign(&ContainerId::new(id.as_str()));
                let text = name.to_str().unwrap();
                prop_assert!(is_new && !matches!(text, "" | "." | "..") && text.len() <= 255);
                prop_assert!(!text.contains(['/', '\0']));
                prop_assert!(given.insert(name), "{id:?} shares a name");
            }
        }
    }
}
