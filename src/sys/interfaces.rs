//! The machine's network interfaces and their addresses.

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

/// One interface and its IP addresses, in the kernel's order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) addresses: Vec<IpAddr>,
}

/// All interfaces, those without addresses too.
///
/// An IPv4 address with a label of its own (`eth0:1`) is listed under the label, as ifconfig shows it.
///
/// # Errors
/// Those of getifaddrs(3).
pub(crate) fn interfaces() -> io::Result<Vec<Interface>> {
    let list = List::get()?;
    let mut interfaces: Vec<Interface> = Vec::new();
    let mut entry = list.0;
    // SAFETY: every pointer of the list is null or points to an entry that lives until `list` is dropped, after the loop.
    while let Some(found) = unsafe { entry.as_ref() } {
        // SAFETY: ifa_name is a NUL-terminated text that lives as long as the list; it is copied here.
        let name = unsafe { CStr::from_ptr(found.ifa_name) }
            .to_string_lossy()
            .into_owned();
        // SAFETY: ifa_addr is null or points to a socket address of the size its family has, as the list's contract says.
        let address = unsafe { ip(found.ifa_addr) };
        match interfaces.iter_mut().find(|known| known.name == name) {
            Some(known) => known.addresses.extend(address),
            None => interfaces.push(Interface {
                name,
                addresses: address.into_iter().collect(),
            }),
        }
        entry = found.ifa_next;
    }
    Ok(interfaces)
}

/// What getifaddrs(3) allocated: a linked list, by its first entry.
struct List(*mut libc::ifaddrs);

impl List {
    fn get() -> io::Result<Self> {
        let mut first = ptr::null_mut();
        // SAFETY: the call writes one pointer to `first`, which is a valid place for it.
        if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(first))
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a successful getifaddrs and is freed nowhere else; freeifaddrs accepts null.
        unsafe { libc::freeifaddrs(self.0) };
    }
}

/// The IP address in a socket address; `None` for null and for other families, such as the link-layer addresses that make
/// interfaces without IP appear in the list.
///
/// # Safety
/// `address` is null or points to a socket address of at least the size that its family has.
unsafe fn ip(address: *const libc::sockaddr) -> Option<IpAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: not null, so it has at least the family, by this function's contract.
    match libc::c_int::from(unsafe { (*address).sa_family }) {
        libc::AF_INET => {
            // SAFETY: the family says that a sockaddr_in is there; the read needs no alignment.
            let v4 = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr))))
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that a sockaddr_in6 is there; the read needs no alignment.
            let v6 = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(IpAddr::V6(Ipv6Addr::from(v6.sin6_addr.s6_addr)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn lists_what_the_kernel_lists() {
        let found: BTreeSet<String> = interfaces()
            .unwrap()
            .into_iter()
            .map(|interface| interface.name)
            .filter(|n| !n.contains(':'))
            .collect();
        // The first two lines of /proc/net/dev are headings.
        let expected: BTreeSet<String> = std::fs::read_to_string("/proc/net/dev")
            .unwrap()
            .lines()
            .skip(2)
            .filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_loopback_interface_has_its_address() {
        let interfaces = interfaces().unwrap();
        let lo = interfaces
            .iter()
            .find(|interface| interface.name == "lo")
            .unwrap();
        assert!(lo.addresses.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)), "{lo:?}");
        for ip in &lo.addresses {
            assert!(ip.is_loopback(), "{lo:?}");
        }
    }
}
