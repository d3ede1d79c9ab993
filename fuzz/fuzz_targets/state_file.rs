//! Whatever stands in a container file: it is understood or refused, and what was understood can be stored again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stats_slave::state::{MAX_FILE_BYTES, StoredEndpoint};

fuzz_target!(|content: &[u8]| {
    match StoredEndpoint::from_json(content) {
        Ok(stored) => match stored.to_json() {
            Ok(json) => assert_eq!(StoredEndpoint::from_json(&json).ok(), Some(stored)),
            // Escapes may be longer than what they stand for.
            Err(error) => assert!(content.len() > MAX_FILE_BYTES / 6, "{error}"),
        },
        // One line, however odd the content.
        Err(error) => {
            let reason = error.to_string();
            assert!(reason.len() < 1_000 && !reason.contains('\n'), "{reason}");
        }
    }
});
