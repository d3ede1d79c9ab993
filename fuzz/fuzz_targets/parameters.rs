//! Any bytes as the JSON of `--modules` and as a list of parameters: read, or refused in one line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stats_slave::parameters::{ParameterError, ParameterList, Parameters, modules};
use std::sync::LazyLock;

/// Keys to pick by number, as the fuzzer would take long to spell them.
static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let example = include_str!("../../mesos-agent-modules.json.example");
    let list = modules(example).expect("the example is valid");
    let others = [
        "listen_ip",
        "listen_port",
        "listen_port_start",
        "listen_port_end",
        "listen_host",
        "dest_mode",
        "dest_host",
        "dest_port",
        "dest_refresh_seconds",
        "annotation_mode",
        "chunking",
        "chunk_size_bytes",
    ];
    list.iter()
        .map(|(key, _)| key)
        .chain(others)
        .map(str::to_owned)
        .collect()
});

fn assert_one_line(error: &str) {
    assert!(
        !error.is_empty() && !error.contains(char::is_control),
        "{error:?}"
    );
}

/// Each line of `text` is `key=value`; a key of one byte that is no letter is a number into [`KEYS`].
fn list_of(text: &str) -> Result<ParameterList, ParameterError> {
    ParameterList::from_pairs(
        text.split('\n')
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| {
                let key = match key.as_bytes() {
                    [byte] if !byte.is_ascii_alphabetic() => &KEYS[usize::from(*byte) % KEYS.len()],
                    _ => key,
                };
                (key, value)
            }),
    )
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    match modules(&text) {
        Ok(list) => {
            if let Err(error) = Parameters::from_list(&list) {
                assert_one_line(&error.to_string());
            }
        }
        Err(error) => assert_one_line(&error.to_string()),
    }
    if let Err(error) = list_of(&text).and_then(|list| Parameters::from_list(&list)) {
        assert_one_line(&error.to_string());
    }
});
