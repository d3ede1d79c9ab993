use super::super::tests::{settings, settings_in};
use super::*;

fn error(arguments: &[&str]) -> String {
    settings(arguments).unwrap_err()
}

fn property(arguments: &[&str], name: &str) -> Option<String> {
    let settings = settings(arguments).unwrap().unwrap();
    settings.client_config(&[]).get(name).map(str::to_owned)
}

#[test]
fn on_or_off() {
    let fixed = |brokers: &[&str]| {
        let brokers = brokers.iter().map(|broker| (*broker).to_owned());
        Some(Brokers::Fixed(brokers.collect()))
    };
    let framework = |name: &str| {
        Some(Brokers::Framework {
            framework: name.parse().unwrap(),
            name_server: None,
        })
    };
    for (arguments, expected) in [
        (&[][..], None),
        (&["--kafka"], framework("kafka")),
        (&["--kafka=true"], framework("kafka")),
        (&["--kafka=T", "--kafka-framework=other"], framework("other")),
        (&["--kafka-framework=other"], framework("other")),
        (&["--kafka-framework="], None),
        (&["--kafka-brokers=a:1, b:2,"], fixed(&["a:1", "b:2"])),
        (&["--kafka-brokers=a:1", "--kafka-framework=k"], fixed(&["a:1"])),
        (&["--kafka=0", "--kafka-brokers=a:1"], None),
    ] {
        let brokers = settings(arguments).unwrap().map(|settings| settings.brokers);
        assert_eq!(brokers, expected, "{arguments:?}");
    }
}

#[test]
fn properties() {
    for (arguments, name, value) in [
        (&["--kafka"][..], "enable.idempotence", "true"),
        (&["--kafka"], "acks", "all"),
        (&["--kafka", "--kafka-require-all-acks=false"], "acks", "1"),
        (
            &["--kafka", "--kafka-require-all-acks=false"],
            "enable.idempotence",
            "false",
        ),
        (&["--kafka"], "compression.type", "snappy"),
        (
            &["--kafka", "--kafka-compress-snappy=F"],
            "compression.type",
            "none",
        ),
        (
            &["--kafka", "--kafka-compression=zstd"],
            "compression.type",
            "zstd",
        ),
        (&["--kafka"], "message.timeout.ms", "0"),
        (
            &["--kafka", "--kafka-flush-ms=50"],
            "reconnect.backoff.max.ms",
            "50",
        ),
        (&["--kafka", "--kafka-property=linger.ms=7"], "linger.ms", "7"),
        (
            &["--kafka", "--kafka-max-message-bytes=2000000"],
            "message.max.bytes",
            "2000000",
        ),
    ] {
        assert_eq!(
            property(arguments, name).as_deref(),
            Some(value),
            "{arguments:?} {name}"
        );
    }
}

#[test]
fn the_command_line_wins_over_the_environment() {
    let environment = [
        ("KAFKA_OVERRIDE_LINGER_MS", "3"),
        ("KAFKA_OVERRIDE_CLIENT_ID", "mine"),
        ("KAFKA_OVERRIDE_RETRIES", ""),
        ("LINGER_MS", "9"),
    ];
    let settings = settings_in(&["--kafka", "--kafka-property=linger.ms=4"], &environment);
    let config = settings.unwrap().unwrap().client_config(&[]);
    assert_eq!(config.get("linger.ms"), Some("4"));
    assert_eq!(config.get("client.id"), Some("mine"));
}

#[test]
fn logging_in() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "hush\r\n").unwrap();
    let path = file.path().display().to_string();
    let (file, ca) = (
        format!("--kafka-password-file={path}"),
        format!("--kafka-ca-file={path}"),
    );
    let arguments = [
        "--kafka",
        "--kafka-security-protocol=sasl_ssl",
        "--kafka-username=u",
        &file,
        &ca,
    ];
    assert_eq!(property(&arguments, "sasl.password").as_deref(), Some("hush"));
    assert_eq!(property(&arguments, "ssl.ca.location"), Some(path));
    assert_eq!(property(&arguments, "sasl.mechanism").as_deref(), Some("PLAIN"));
    assert_eq!(
        property(&arguments, "security.protocol").as_deref(),
        Some("sasl_ssl")
    );
    let secret = settings(&arguments).unwrap().unwrap();
    assert!(!format!("{secret:?}").contains("hush"));
}

#[test]
fn what_is_wrong_is_named_and_secrets_are_not() {
    let sasl = "--kafka-security-protocol=sasl_ssl";
    for (arguments, parts) in [
        (
            &["--kafka-single-topic=a b"][..],
            ["--kafka-single-topic", "\"a b\""],
        ),
        (&["--kafka-topic-prefix=a/"], ["--kafka-topic-prefix", "\"a/\""]),
        (
            &["--kafka-compression=gzip", "--kafka-compress-snappy"],
            ["--kafka-compress-snappy=true", "gzip"],
        ),
        (
            &["--kafka-queue-kbytes=1000"],
            ["--kafka-queue-kbytes=1000", "1000000"],
        ),
        (&[sasl], ["sasl_ssl", "--kafka-username"]),
        (
            &[sasl, "--kafka-username=u"],
            ["--kafka-username", "--kafka-password-file"],
        ),
        (
            &["--kafka-username=u", "--kafka-password=hush"],
            ["plaintext", "sasl_ssl"],
        ),
        (
            &[sasl, "--kafka-username=u", "--kafka-password-file=/no/such"],
            ["--kafka-password-file=/no/such", "No such file"],
        ),
        (
            &["--kafka-ca-file=/no/such.pem"],
            ["/no/such.pem", "No such file"],
        ),
        (&["--kafka-framework=a b"], ["--kafka-framework", "\"a b\""]),
        (&["--kafka-property=hush"], ["--kafka-property", "NAME=VALUE"]),
        (
            &["--kafka-property=no.such.thing=hush"],
            ["no.such.thing", "No such"],
        ),
        (
            &["--kafka-property=message.max.bytes=1"],
            ["message.max.bytes", "--kafka-max-message-bytes"],
        ),
        (
            &["--kafka-property=enable.ssl.certificate.verification=F"],
            ["enable.ssl.certificate.verification=F", "--kafka-ca-file"],
        ),
        (
            &["--kafka-property=ssl.endpoint.identification.algorithm=none"],
            ["ssl.endpoint.identification.algorithm=none", "https"],
        ),
    ] {
        let arguments = [&["--kafka"], arguments].concat();
        let error = error(&arguments);
        for part in parts {
            assert!(error.contains(part), "{arguments:?}: {error}");
        }
        assert!(!error.contains("hush"), "{error}");
    }
    for (argument, allowed) in [
        ("--kafka=maybe", "true or false"),
        ("--kafka-key=container", "agent_id"),
        ("--kafka-compression=brotli", "zstd"),
        ("--kafka-max-message-bytes=1", "16384"),
    ] {
        let error = error(&[argument]);
        assert!(
            error.contains(allowed) && error.contains(argument.split('=').next().unwrap()),
            "{error}"
        );
    }
}

#[test]
fn the_environment_cannot_leave_brokers_unverified() {
    let arguments = ["--kafka", "--kafka-security-protocol=ssl"];
    for (variable, part) in [
        (
            "KAFKA_OVERRIDE_ENABLE_SSL_CERTIFICATE_VERIFICATION",
            "enable.ssl.certificate.verification=0",
        ),
        (
            "KAFKA_OVERRIDE_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM",
            "ssl.endpoint.identification.algorithm=0",
        ),
    ] {
        let error = settings_in(&arguments, &[(variable, "0")]).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn secrets_are_not_in_the_help() {
    let variable = |name: &str| {
        ["KAFKA_PASSWORD", "KAFKA_PROPERTY"]
            .contains(&name)
            .then(|| "hush=1".to_owned())
    };
    let command = crate::flags::with_environment(super::super::tests::command(), variable).unwrap();
    let help = command.clone().render_long_help().to_string();
    assert!(
        help.contains("--kafka-password") && !help.contains("hush"),
        "{help}"
    );
}
