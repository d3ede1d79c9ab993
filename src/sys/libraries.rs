//! The shared libraries of this process.

use libc::{c_int, c_void, dl_phdr_info, size_t};
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;

/// Another loaded library than `own` with one of these symbols, and which. `own` is the address of anything in the library
/// or program that asks.
pub(crate) fn other_with<'a>(own: *const (), symbols: &[&'a CStr]) -> Option<(PathBuf, &'a CStr)> {
    let own = file_of(own.cast())?;
    // The list is made first: the loader is locked while it is walked, and would be asked for more.
    let mut loaded: Vec<CString> = Vec::new();
    // SAFETY: `push_name` is called during this call only, with `loaded` as its last argument; nothing else uses it then.
    unsafe { libc::dl_iterate_phdr(Some(push_name), (&raw mut loaded).cast()) };
    for name in loaded.iter().filter(|name| !name.is_empty()) {
        // SAFETY: `name` ends with a zero byte. RTLD_NOLOAD runs no code of the library: it is there already, or is not loaded.
        let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        if library.is_null() {
            continue;
        }
        for &symbol in symbols {
            // SAFETY: `library` is open, and `symbol` ends with a zero byte.
            let address = unsafe { libc::dlsym(library, symbol.as_ptr()) };
            // The symbol may also be one of a library that this one depends on: its address tells whose it is.
            let file = (!address.is_null()).then(|| file_of(address)).flatten();
            if let Some(file) = file.filter(|file| *file != own) {
                close(library);
                return Some((file, symbol));
            }
        }
        close(library);
    }
    None
}

fn close(library: *mut c_void) {
    // SAFETY: it was opened by `dlopen` and is closed once. Others hold it open, so it stays loaded.
    unsafe { libc::dlclose(library) };
}

extern "C" fn push_name(info: *mut dl_phdr_info, _size: size_t, names: *mut c_void) -> c_int {
    // SAFETY: the loader passes a valid `info`, whose name is null or ends with a zero byte, and `names` is the vector that
    // `other_with` lends to this call alone.
    let (name, names) = unsafe { ((*info).dlpi_name, &mut *names.cast::<Vec<CString>>()) };
    if !name.is_null() {
        // SAFETY: as above.
        names.push(unsafe { CStr::from_ptr(name) }.to_owned());
    }
    0
}

/// The file that an address of a loaded library or program is from.
fn file_of(address: *const c_void) -> Option<PathBuf> {
    let mut found = libc::Dl_info {
        dli_fname: ptr::null(),
        dli_fbase: ptr::null_mut(),
        dli_sname: ptr::null(),
        dli_saddr: ptr::null_mut(),
    };
    // SAFETY: `dladdr` takes any address, and writes to `found`.
    if unsafe { libc::dladdr(address, &raw mut found) } == 0 || found.dli_fname.is_null() {
        return None;
    }
    // SAFETY: the name of a loaded library ends with a zero byte, and is copied before anything could be unloaded.
    let name = unsafe { CStr::from_ptr(found.dli_fname) };
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_library_that_has_a_symbol() {
        let own = file_of as *const ();
        let (file, symbol) = other_with(own, &[c"no_library_has_this", c"malloc"]).unwrap();
        assert!(file.to_string_lossy().contains("libc"), "{file:?}");
        assert_eq!(symbol, c"malloc");
        assert_eq!(other_with(own, &[c"no_library_has_this"]), None);
        // To whom the symbol belongs, it is no other's.
        let own = libc::malloc as *const ();
        assert_eq!(
            other_with(own, &[c"malloc"]).filter(|(file, _)| file.to_string_lossy().contains("libc.so")),
            None
        );
    }
}
