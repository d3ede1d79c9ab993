//! The name of a DC/OS framework, and its names in the DNS.

use crate::DiscoveryError;
use hickory_proto::rr::Name;
use std::fmt;
use std::str::FromStr;

/// A framework by its name, such as `kafka`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framework {
    name: String,
    /// Its scheduler's SRV records: `_NAME._tcp.marathon.mesos`.
    pub(crate) service: Name,
    /// Its scheduler's address: `NAME.mesos`.
    pub(crate) host: Name,
}

impl FromStr for Framework {
    type Err = DiscoveryError;

    fn from_str(name: &str) -> Result<Self, DiscoveryError> {
        let error = || DiscoveryError::FrameworkName(name.to_owned());
        let legal = |label: &str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if !name.split('.').all(legal) {
            return Err(error());
        }
        let dns_name = |text: String| Name::from_ascii(text).map_err(|_| error());
        Ok(Self {
            name: name.to_owned(),
            service: dns_name(format!("_{name}._tcp.marathon.mesos."))?,
            host: dns_name(format!("{name}.mesos."))?,
        })
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "x".repeat(63);
        for (name, expected) in [
            ("kafka", Some("_kafka._tcp.marathon.mesos.")),
            ("Kafka-2_a.group", Some("_Kafka-2_a.group._tcp.marathon.mesos.")),
            ("", None),
            (".", None),
            ("a..b", None),
            ("kafka.", None),
            ("a b", None),
            ("a/b", None),
            ("\\107", None),
            ("käfka", None),
            ("kafka\n", None),
            (&long, None),
        ] {
            let framework = Framework::from_str(name).ok();
            let service = framework.map(|framework| framework.service.to_ascii());
            assert_eq!(service.as_deref(), expected, "{name}");
        }
    }
}
