//! Which properties of a client would leave the brokers' certificates unverified.

/// Refuses the properties with which a client over TLS would talk to whoever answers. `ca_option` is the option that names
/// the authorities that may sign a broker's certificate.
///
/// # Errors
///
/// The property, its value, what is allowed, and what to do instead.
pub fn check_verification<'a>(
    properties: impl IntoIterator<Item = (&'a str, &'a str)>,
    ca_option: &str,
) -> Result<(), String> {
    for (name, value) in properties {
        let (allowed, instead): (&[&str], _) = match name {
            "enable.ssl.certificate.verification" => (
                // As the client spells it, in any case.
                &["true", "t", "1"],
                format!("give the authority that signs the brokers' certificates with {ca_option}"),
            ),
            "ssl.endpoint.identification.algorithm" => (
                &["https"],
                "give the brokers by names that their certificates are for".to_owned(),
            ),
            _ => continue,
        };
        if !allowed.iter().any(|allowed| value.eq_ignore_ascii_case(allowed)) {
            return Err(format!(
                "Kafka property {name}={value} is refused, only {} is allowed: brokers are always verified; {instead}",
                allowed[0]
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::ClientConfig;

    const VERIFICATION: &str = "enable.ssl.certificate.verification";
    const NAME: &str = "ssl.endpoint.identification.algorithm";

    #[test]
    fn only_what_verifies_is_accepted() {
        for (name, value, accepted) in [
            (VERIFICATION, "true", true),
            (VERIFICATION, "T", true),
            (VERIFICATION, "1", true),
            (VERIFICATION, "false", false),
            (VERIFICATION, "False", false),
            (VERIFICATION, "f", false),
            (VERIFICATION, "0", false),
            (NAME, "https", true),
            (NAME, "HTTPS", true),
            (NAME, "none", false),
            (NAME, "None", false),
        ] {
            // Whatever is refused here, the client would have taken.
            assert!(
                ClientConfig::new()
                    .set(name, value)
                    .create_native_config()
                    .is_ok()
            );
            let result = check_verification([("client.id", "none"), (name, value)], "--ca");
            match result {
                Ok(()) => assert!(accepted, "{name}={value}"),
                Err(error) => {
                    assert!(
                        !accepted && error.contains(&format!("{name}={value} ")),
                        "{error}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_the_client_does_not_know_is_refused_too() {
        for (name, value) in [
            (VERIFICATION, ""),
            (VERIFICATION, "no"),
            (NAME, ""),
            (NAME, " none"),
        ] {
            assert!(
                check_verification([(name, value)], "--ca").is_err(),
                "{name}={value}"
            );
        }
    }
}
