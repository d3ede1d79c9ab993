//! What only the operating system can do, each in a file of its own. The rest of the crate has no unsafe code.
#![allow(unsafe_code)]

pub(crate) mod drops;
pub(crate) mod interfaces;
#[cfg(any(mesos, test))]
pub(crate) mod libraries;
pub(crate) mod mmsg;
pub(crate) mod sockopt;
