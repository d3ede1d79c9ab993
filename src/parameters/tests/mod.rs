//! The vectors of `reference/metrics-vectors.md` 8, 10 and 14.

mod documents;
mod properties;

use super::table::TABLE;
use super::*;
use std::path::Path;

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn read(pairs: Pairs) -> Result<Parameters, String> {
    ParameterList::from_pairs(pairs.iter().copied())
        .and_then(|list| Parameters::from_list(&list))
        .map_err(|error| error.to_string())
}

fn notices(pairs: Pairs) -> Vec<String> {
    let list = ParameterList::from_pairs(pairs.iter().copied()).unwrap();
    let (_, notices) = assemble::parameters(&list).unwrap();
    notices
        .into_iter()
        .map(|notice| format!("{} {}", notice.level, notice.text))
        .collect()
}

fn defaults_of_1_8() -> Parameters {
    Parameters {
        listen: Listen {
            address: ListenAddress::Interface("lo".into()),
            ports: PortMode::Ephemeral,
            receive_buffer_bytes: 8 << 20,
        },
        container_limit: Some(10 << 20),
        period: Duration::from_secs(60),
        self_metrics: true,
        collector: Some(CollectorOutput {
            address: "127.0.0.1:8124".parse().unwrap(),
            chunk_datapoints: 100,
            chunk_timeout: Duration::from_secs(10),
            queue_bytes: 4 << 20,
            metric_types: true,
            sample_rate_all_types: false,
        }),
        statsd: None,
        state_dir: "/var/run/mesos/isolators/com_mesosphere_MetricsIsolatorModule/".into(),
    }
}

fn statsd_of_1_8() -> StatsdOutput {
    StatsdOutput {
        host: "metrics.marathon.mesos".into(),
        port: 8125,
        refresh: Duration::from_secs(60),
        annotation: Annotation::KeyPrefix,
        tag_order: TagOrder::FrameworkFirst,
        chunk_bytes: Some(512),
    }
}

fn defaults_of_1_7() -> Parameters {
    Parameters {
        listen: Listen {
            address: ListenAddress::Host("127.0.0.1".into()),
            ..defaults_of_1_8().listen
        },
        container_limit: None,
        self_metrics: false,
        collector: None,
        statsd: Some(StatsdOutput {
            host: "statsd.monitoring.mesos".into(),
            refresh: Duration::from_secs(300),
            annotation: Annotation::TagDatadog,
            ..statsd_of_1_8()
        }),
        state_dir: "/var/run/mesos/isolators/com_mesosphere_StatsIsolatorModule/".into(),
        ..defaults_of_1_8()
    }
}

#[test]
fn no_parameters_mean_1_8() {
    assert_eq!(read(&[]).unwrap(), defaults_of_1_8());
    let statsd = read(&[("output_statsd_enabled", "true")]).unwrap().statsd;
    assert_eq!(statsd, Some(statsd_of_1_8()));
}

#[test]
fn any_name_of_1_7_means_1_7() {
    for (key, value) in [
        ("listen_host", "127.0.0.1"),
        ("dest_mode", "statsd_udp"),
        ("dest_host", "statsd.monitoring.mesos"),
        ("dest_port", "8125"),
        ("dest_refresh_seconds", "300"),
        ("annotation_mode", "tag_datadog"),
        ("chunking", "true"),
        ("chunk_size_bytes", "512"),
    ] {
        assert_eq!(read(&[(key, value)]).unwrap(), defaults_of_1_7(), "{key}");
        let notice =
            format!("INFO {key}=\"{value}\" is a name of 1.7, so what is not given has the defaults of 1.7");
        assert_eq!(notices(&[(key, value)]), [notice]);
    }
    assert_eq!(
        read(&[("state_path_dir", "/s"), ("listen_port", "1")])
            .unwrap()
            .statsd,
        None
    );
}

#[test]
fn what_enterprise_dcos_1_7_shipped() {
    let parameters = read(&[
        ("dest_host", "metrics.marathon.mesos"),
        ("dest_port", "8125"),
        ("dest_refresh_seconds", "60"),
        ("listen_host", "127.0.0.1"),
        ("listen_port_mode", "ephemeral"),
        ("annotation_mode", "key_prefix"),
        ("chunking", "true"),
        ("chunk_size_bytes", "512"),
    ]);
    assert_eq!(
        parameters.unwrap(),
        Parameters {
            statsd: Some(statsd_of_1_8()),
            ..defaults_of_1_7()
        }
    );
}

#[test]
fn new_names_beside_1_7_names_switch_new_things_on() {
    let parameters = read(&[
        ("chunking", "no"),
        ("output_collector_enabled", "true"),
        ("self_metrics_enabled", "true"),
        ("container_limit_amount_kbytes", "1"),
        ("listen_interface", "spartan"),
        ("output_statsd_port", "1"),
    ])
    .unwrap();
    let defaults = defaults_of_1_7();
    assert_eq!(
        parameters.listen.address,
        ListenAddress::Interface("spartan".into())
    );
    assert_eq!(parameters.container_limit, Some(1024));
    assert!(parameters.self_metrics);
    assert_eq!(parameters.collector, defaults_of_1_8().collector);
    assert_eq!(
        parameters.statsd,
        Some(StatsdOutput {
            port: 1,
            chunk_bytes: None,
            ..defaults.statsd.unwrap()
        })
    );
    assert_eq!(parameters.state_dir, defaults.state_dir);
}

#[test]
fn values_reach_their_places() {
    let listen = |pairs: Pairs| read(pairs).unwrap().listen;
    assert_eq!(
        listen(&[("listen_port_mode", "single"), ("listen_port", " 65535")]).ports,
        PortMode::Single(65535)
    );
    let range = [
        ("listen_port_mode", "range"),
        ("listen_port_start", "100"),
        ("listen_port_end", "101"),
    ];
    assert_eq!(listen(&range).ports, PortMode::Range { start: 100, end: 101 });
    assert_eq!(
        listen(&[("listen_ip", "::1")]).address,
        ListenAddress::Ip("::1".parse().unwrap())
    );
    assert_eq!(
        listen(&[("listen_host", "::1")]).address,
        ListenAddress::Host("::1".into())
    );
    assert_eq!(
        listen(&[("listen_receive_buffer_kbytes", "1")]).receive_buffer_bytes,
        1024
    );
    assert_eq!(
        read(&[("container_limit_period_secs", "7")]).unwrap().period,
        Duration::from_secs(7)
    );

    let collector = |pairs: Pairs| read(pairs).unwrap().collector.unwrap();
    let address = [("output_collector_ip", "::1"), ("output_collector_port", "99")];
    assert_eq!(collector(&address).address, "[::1]:99".parse().unwrap());
    assert_eq!(
        collector(&[("output_collector_chunk_size_datapoints", "0")]).chunk_datapoints,
        1
    );
    assert_eq!(
        collector(&[("output_collector_chunk_size_datapoints", "7")]).chunk_datapoints,
        7
    );
    assert_eq!(
        collector(&[("output_collector_chunking", "false")]).chunk_datapoints,
        1
    );
    assert_eq!(
        collector(&[("output_collector_chunk_timeout_seconds", "3")]).chunk_timeout,
        Duration::from_secs(3)
    );
    assert_eq!(
        collector(&[("output_collector_queue_kbytes", "256")]).queue_bytes,
        256 << 10
    );
    assert!(!collector(&[("output_collector_metric_types", "f")]).metric_types);
    assert!(collector(&[("output_collector_sample_rate_all_types", "yes")]).sample_rate_all_types);

    let statsd = |key, value| {
        read(&[("output_statsd_enabled", "1"), (key, value)])
            .unwrap()
            .statsd
            .unwrap()
    };
    assert_eq!(statsd("output_statsd_host", "h").host, "h");
    assert_eq!(
        statsd("output_statsd_host_refresh_seconds", "1").refresh,
        Duration::from_secs(1)
    );
    assert_eq!(
        statsd("output_statsd_annotation_mode", "none").annotation,
        Annotation::None
    );
    assert_eq!(
        statsd("output_statsd_tag_order", "container_first").tag_order,
        TagOrder::ContainerFirst
    );
    assert_eq!(statsd("output_statsd_chunking", "false").chunk_bytes, None);
    assert_eq!(
        statsd("output_statsd_chunk_size_bytes", "1432").chunk_bytes,
        Some(1432)
    );
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let port = "must be non-zero, from 1 to 65535";
    let cases: &[(Pairs, &str)] = &[
        (
            &[("listen_port", "-1")],
            "listen_port=\"-1\": must be non-negative, from 1 to 65535",
        ),
        (
            &[("output_statsd_chunk_size_bytes", "hi")],
            "output_statsd_chunk_size_bytes=\"hi\": must be int (base 10, nothing after it), at least 0 bytes",
        ),
        (
            &[("output_statsd_enabled", "True")],
            "output_statsd_enabled=\"True\": must start with t, y or 1 for true, or f, n or 0 for false, in lower case",
        ),
        (
            &[("output_statsd_enabled", "")],
            "output_statsd_enabled=\"\": must be non-empty: true or false",
        ),
        (
            &[("listen_port_mode", "bogus value")],
            "listen_port_mode=\"bogus value\": Unknown listen_port_mode config value: bogus value; must be one of \
             ephemeral, single, range, exactly as written here",
        ),
        (
            &[("annotation_mode", "none ")],
            "annotation_mode=\"none \": Unknown annotation_mode config value: none ; must be one of none, key_prefix, \
             tag_datadog, exactly as written here",
        ),
        (
            &[("listen_interface", "")],
            "listen_interface=\"\": must be non-empty",
        ),
        (&[("listen_host", "")], "listen_host=\"\": must be non-empty"),
        (
            &[("state_path_dir", "/a\0\n")],
            r#"state_path_dir="/a\0\n": must not contain a zero byte"#,
        ),
        (
            &[("listen_ip", "")],
            "listen_ip=\"\": must be non-empty: an IPv4 or IPv6 address",
        ),
        (
            &[("output_collector_ip", "localhost")],
            "output_collector_ip=\"localhost\": must be an IPv4 or IPv6 address such as 127.0.0.1 or ::1, without \
             brackets, zone or port; names are not resolved",
        ),
        (
            &[("listen_port_mode", "single")],
            &format!("listen_port=\"0\" (the default): Invalid listen_port config value: 0; {port}"),
        ),
        (
            &[("listen_port_mode", "single"), ("listen_port", "65536")],
            "listen_port=\"65536\": Invalid listen_port config value: 65536; must be from 1 to 65535",
        ),
        (
            &[("listen_port_mode", "range"), ("listen_port_end", "5")],
            &format!(
                "listen_port_start=\"0\" (the default): Invalid listen_port_start config value: 0; {port}"
            ),
        ),
        (
            &[
                ("listen_port_mode", "range"),
                ("listen_port_start", "5"),
                ("listen_port_end", ""),
            ],
            &format!("listen_port_end=\"\": Invalid listen_port_end config value: 0; {port}"),
        ),
        (
            &[
                ("listen_port_mode", "range"),
                ("listen_port_start", "12345"),
                ("listen_port_end", "12345"),
            ],
            "listen_port_start=\"12345\" and listen_port_end=\"12345\": listen_port_start (=12345) must be less than \
             listen_port_end (=12345)",
        ),
        (
            &[("dest_port", "0")],
            &format!("dest_port=\"0\": Invalid dest_port config value: 0; {port}"),
        ),
        (
            &[
                ("output_statsd_enabled", "y"),
                ("output_statsd_host_refresh_seconds", "0"),
            ],
            "output_statsd_host_refresh_seconds=\"0\": Invalid output_statsd_host_refresh_seconds config value: 0; \
             must be non-zero, from 1 to 31536000 seconds",
        ),
        (
            &[("container_limit_period_secs", "0")],
            "container_limit_period_secs=\"0\": Invalid container_limit_period_secs config value: 0; must be non-zero, \
             from 1 to 31536000 seconds",
        ),
        (
            &[("output_collector_queue_kbytes", "9999999999999999999")],
            "output_collector_queue_kbytes=\"9999999999999999999\": Invalid output_collector_queue_kbytes config \
             value: 9999999999999999999; must be from 256 to 1048576 KiB",
        ),
        (
            &[("output_collector_enabled", "false")],
            "output_collector_enabled=\"false\" and output_statsd_enabled=\"false\" (the default): At least one writer \
             must be enabled; set one of the two to true",
        ),
        (
            &[("dest_port", "1"), ("output_statsd_enabled", "f")],
            "output_collector_enabled=\"false\" (the default) and output_statsd_enabled=\"f\": At least one writer must \
             be enabled; set one of the two to true",
        ),
        (
            &[("listen_port", "1"), ("listen_port", "2")],
            "listen_port=\"1\" and listen_port=\"2\": one parameter cannot have two values; keep one, in one module's list",
        ),
        (
            &[("output_statsd_port", "1"), ("dest_port", "1")],
            "dest_port=\"1\" and output_statsd_port=\"1\": these are the 1.7 and the 1.8 name of one setting; give only \
             one of them",
        ),
        (
            &[("listen_host", "a"), ("listen_interface", "b")],
            "listen_interface=\"b\" and listen_host=\"a\": endpoints have one address; give only one of \
             listen_interface, listen_ip and listen_host",
        ),
        (
            &[("listen_prot", "x\ny")],
            r#"unknown parameter listen_prot="x\ny": the nearest known name is listen_port; docs/configuration.md lists them all"#,
        ),
    ];
    for (pairs, expected) in cases {
        assert_eq!(read(pairs).unwrap_err(), *expected, "{pairs:?}");
    }
    for (a, b) in [("listen_ip", "listen_interface"), ("listen_ip", "listen_host")] {
        assert!(
            read(&[(a, "::1"), (b, "lo")])
                .unwrap_err()
                .contains("give only one of"),
            "{a} {b}"
        );
    }
}

#[test]
fn long_values_are_cut() {
    let value = "é".repeat(50_000);
    let shown = format!(
        "listen_port=\"{}... (100000 bytes)\": must be int",
        "é".repeat(100)
    );
    assert!(read(&[("listen_port", &value)]).unwrap_err().starts_with(&shown));
    assert!(read(&[(&value, &value)]).unwrap_err().len() < 1000);
}

#[test]
fn what_an_unused_parameter_may_hold() {
    let off = ("output_statsd_enabled", "false");
    for (key, value) in [
        ("output_statsd_host", ""),
        ("output_statsd_port", "0"),
        ("output_statsd_host_refresh_seconds", "0"),
        ("listen_port", "70000"),
    ] {
        assert_eq!(read(&[off, (key, value)]).unwrap(), defaults_of_1_8(), "{key}");
    }
    for (key, value) in [
        ("output_statsd_port", "x"),
        ("output_statsd_chunking", "x"),
        ("output_statsd_annotation_mode", "x"),
        ("listen_port_start", "-1"),
    ] {
        assert!(read(&[off, (key, value)]).is_err(), "{key}");
    }
    let collector_off = [
        ("output_collector_enabled", "f"),
        ("chunking", "t"),
        ("output_collector_ip", "localhost"),
    ];
    assert_eq!(read(&collector_off).unwrap(), defaults_of_1_7());
}

#[test]
fn what_is_accepted_with_a_warning() {
    let size = |text| {
        [
            ("output_statsd_enabled", "t"),
            ("output_statsd_chunk_size_bytes", text),
        ]
    };
    let chunk_bytes = |text| read(&size(text)).unwrap().statsd.unwrap().chunk_bytes;
    assert_eq!(chunk_bytes("0"), Some(512));
    assert_eq!(
        notices(&size("0")),
        ["WARN output_statsd_chunk_size_bytes=\"0\": must be non-zero; 512 is used"]
    );
    assert_eq!(chunk_bytes("65536"), Some(65536));
    assert_eq!(notices(&size("65536")), [""; 0]);
    for text in ["65537", "70000", "99999999999999999999"] {
        assert_eq!(chunk_bytes(text), Some(65536));
        let warning =
            format!("WARN output_statsd_chunk_size_bytes=\"{text}\": must be at most 65536; 65536 is used");
        assert_eq!(notices(&size(text)), [warning]);
    }
    assert_eq!(
        notices(&[("dest_mode", "poll_tcp")])[1],
        "WARN dest_mode=\"poll_tcp\": this never had an effect; StatsD is sent over UDP all the same"
    );
    assert_eq!(
        read(&[("container_limit_amount_kbytes", "")])
            .unwrap()
            .container_limit,
        Some(0)
    );
    assert_eq!(
        notices(&[("container_limit_amount_kbytes", "0")]),
        ["WARN container_limit_amount_kbytes=\"0\": everything that containers send is dropped"]
    );
}

#[test]
fn the_nearest_name_is_the_one_that_was_meant() {
    for (key, meant) in [
        ("OUTPUT_STATSD_PORT", "output_statsd_port"),
        ("listen_adress_ip", "listen_ip"),
        ("statsd_host", "output_statsd_host"),
        (
            "output_statsd_refresh_seconds",
            "output_statsd_host_refresh_seconds",
        ),
        ("dest_hosts", "dest_host"),
        ("chunk_size", "chunk_size_bytes"),
        ("state_path", "state_path_dir"),
    ] {
        assert_eq!(table::nearest(key), meant, "{key}");
    }
    assert!(!table::nearest("").is_empty());
}
