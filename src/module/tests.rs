use super::*;
use crate::parameters::MODULE_NAMES;
use std::net::UdpSocket;
use std::time::Duration;
use tempfile::TempDir;

fn create(module: &Module, pairs: &[(&str, &str)]) -> Result<(), String> {
    module
        .create(
            pairs
                .iter()
                .map(|&(key, value)| (key.to_owned(), value.to_owned())),
        )
        .map_err(|refusal| refusal.to_string())
}

struct Node {
    module: Module,
    state_dir: TempDir,
    statsd: UdpSocket,
}

/// A module that sends StatsD to this test.
fn node() -> Node {
    let state_dir = tempfile::tempdir().unwrap();
    let statsd = UdpSocket::bind("127.0.0.1:0").unwrap();
    statsd.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let port = statsd.local_addr().unwrap().port().to_string();
    let module = Module::default();
    let pairs = [
        ("state_path_dir", state_dir.path().to_str().unwrap()),
        ("output_collector_enabled", "false"),
        ("output_statsd_enabled", "true"),
        ("output_statsd_host", "127.0.0.1"),
        ("output_statsd_port", &port),
        ("output_statsd_annotation_mode", "tag_datadog"),
        ("output_statsd_chunking", "false"),
        ("self_metrics_enabled", "false"),
    ];
    create(&module, &pairs).unwrap();
    Node {
        module,
        state_dir,
        statsd,
    }
}

impl Node {
    fn line(&self) -> String {
        let mut datagram = [0; 1024];
        let length = self.statsd.recv(&mut datagram).expect("a line in time");
        String::from_utf8(datagram[..length].to_vec()).unwrap()
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.state_dir.path().join("containers")).map_or(0, Iterator::count)
    }
}

fn container(path: &[&str], framework_id: &str, executor_id: &str) -> Container {
    let mut parents: Vec<String> = path.iter().map(|&id| id.to_owned()).collect();
    let leaf = parents.pop().unwrap();
    Container {
        id: ContainerId::nested(parents, leaf),
        framework_id: framework_id.to_owned(),
        executor_id: executor_id.to_owned(),
    }
}

#[test]
fn the_manifests_have_the_names_of_the_modules() {
    assert_eq!(MANIFESTS.map(|name| name.to_str().unwrap()), MODULE_NAMES);
}

#[test]
fn a_panic_is_an_error_and_leaves_the_module_usable() {
    let node = node();
    let panicked = guard(|| {
        let _state = node.module.state.lock();
        panic!("in the middle");
    });
    assert!(
        panicked
            .map(|(): ()| ())
            .unwrap_err()
            .to_string()
            .contains("please report")
    );
    assert!(
        guard(|| node.module.prepare(&container(&["c"], "f", "e")))
            .unwrap()
            .is_some()
    );
}

#[test]
fn what_more_parameters_could_mend_is_not_refused_yet() {
    for (incomplete, rest) in [
        (
            ("output_collector_enabled", "false"),
            ("output_statsd_enabled", "true"),
        ),
        (("listen_port_mode", "single"), ("listen_port", "8125")),
    ] {
        let module = Module::default();
        create(&module, &[incomplete]).unwrap();
        assert!(module.start().is_err());
        create(&module, &[]).unwrap();
        create(&module, &[rest]).unwrap();
        Parameters::from_list(&module.state.lock().parameters).unwrap();
    }
}

#[test]
fn what_they_could_not_mend_is_refused_at_once() {
    for (pairs, reason) in [
        (
            &[("listen_port_mode", "single"), ("listen_port", "0")][..],
            "listen_port=\"0\": Invalid listen_port config value: 0",
        ),
        (
            &[("listen_ip", "127.0.0.1"), ("listen_interface", "lo")],
            "endpoints have one address",
        ),
        (
            &[("dest_port", "1"), ("output_statsd_port", "1")],
            "the 1.7 and the 1.8 name of one setting",
        ),
        (
            &[("output_collector_enabled", "f"), ("output_statsd_enabled", "f")],
            "At least one writer",
        ),
        (&[("no_such", "")], "unknown parameter no_such"),
        (&[("listen_port", "x")], "must be int"),
    ] {
        let module = Module::default();
        let refusal = create(&module, pairs).unwrap_err();
        assert!(refusal.contains(reason) && !refusal.contains('\n'), "{refusal}");
        assert_eq!(module.state.lock().parameters, ParameterList::new());
    }
}

#[test]
fn a_running_core_takes_no_new_parameters() {
    let node = node();
    node.module.start().unwrap();
    create(&node.module, &[]).unwrap();
    create(&node.module, &[("self_metrics_enabled", "false")]).unwrap();
    let refusal = create(&node.module, &[("listen_port", "1")]).unwrap_err();
    assert!(refusal.contains("restart the agent"), "{refusal}");
}

#[test]
fn without_an_address_there_is_no_core_and_no_failure() {
    let module = Module::default();
    create(&module, &[("listen_interface", "no-such")]).unwrap();
    let refusal = module.start().unwrap_err().to_string();
    assert!(refusal.contains("no-such"), "{refusal}");
    assert_eq!(module.prepare(&container(&["c"], "f", "e")), None);
    module.recover(&[]);
    module.cleanup(&ContainerId::new("c"));
}

#[test]
fn usage_goes_with_what_the_container_sends() {
    let node = node();
    let statistics = |path: &str, value| {
        vec![Statistic {
            path: path.to_owned(),
            value,
        }]
    };
    node.module.prepare(&container(&["r"], "f", "e")).unwrap();
    let nested = container(&["r", "c"], "", "");
    node.module.prepare(&nested).unwrap();
    node.module.usage(&nested, 1.0, statistics("threads", 3.0));
    assert_eq!(
        node.line(),
        "usage.threads:3|g|#framework_id:f,executor_id:e,container_id:c"
    );
    // Of a container without endpoint, too.
    node.module.usage(
        &container(&["u"], "f2", "e2"),
        1.0,
        statistics("perf.cycles", 1e7),
    );
    assert_eq!(
        node.line(),
        "usage.perf.cycles:1e+07|g|#framework_id:f2,executor_id:e2,container_id:u"
    );
}

#[test]
fn docker_containers_live_as_long_as_their_executors() {
    let node = node();
    let sandbox = node.state_dir.path().to_str().unwrap();
    let first = node.module.prepare_docker("mesos-a", sandbox, "f", "e").unwrap();
    node.module.cleanup_docker("f", "other");
    assert_eq!(
        node.module.prepare_docker("mesos-a", sandbox, "f", "e"),
        Some(first)
    );
    let second = node.module.prepare_docker("mesos-b", sandbox, "f", "e").unwrap();
    assert_ne!(first, second);
    assert_eq!(node.files(), 1);
    // Of what Docker runs, Mesos lists nothing.
    node.module.recover(&[]);
    assert_eq!(node.files(), 1);
    node.module.cleanup_docker("f", "e");
    assert_eq!(node.files(), 0);
}
