//! What goes wrong before there is a client.

use rdkafka::error::KafkaError;

/// Why a client could not be created, in words that can be logged: a property is named, but its value, which may be a
/// password, is not.
#[must_use]
pub fn creation_error(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, reason, name, _) => format!("Kafka property {name}: {reason}"),
        other => format!("cannot create a Kafka client: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::ClientConfig;

    #[test]
    fn a_property_is_named_but_its_value_is_not() {
        for (name, value) in [("no.such.property", "hush"), ("sasl.password.", "hush")] {
            let error = ClientConfig::new()
                .set(name, value)
                .create_native_config()
                .err()
                .unwrap();
            let text = creation_error(&error);
            assert!(text.contains(name) && !text.contains("hush"), "{text}");
        }
    }
}
