//! Endpoints: shared, in ranges, over IPv6, in many threads, and after a restart.

use crate::node::{Node, container, free_ports, start, task, wait};
use stats_slave::container::ContainerId;
use stats_slave::{Core, Recovery};
use std::net::UdpSocket;

const QUIET: (&str, &str) = ("self_metrics_enabled", "false");

#[test]
fn a_shared_endpoint_tells_containers_apart_only_when_there_is_one() {
    let port = free_ports(1).to_string();
    let node = start(&[
        QUIET,
        ("listen_port_mode", "single"),
        ("listen_port", &port),
        ("output_statsd_chunking", "0"),
    ]);
    let endpoint = node.core.register(&container("c1")).unwrap();
    assert_eq!(endpoint.port().to_string(), port);
    let sender = task(endpoint);
    let say = |line: &str| {
        // The loop has done all that it was told before it answers.
        node.core.accounting().unwrap();
        sender.send(line.as_bytes()).unwrap();
        node.statsd_lines(1).remove(0)
    };
    let of = |id: &str| format!("framework_id:f,executor_id:e-{id},container_id:{id}");
    assert_eq!(say("a:1|c"), format!("a:1|c|#{}", of("c1")));
    assert_eq!(node.core.register(&container("c2")).unwrap(), endpoint);
    assert_eq!(say("a:1|c"), "a:1|c|#unknown_container");
    assert!(node.core.unregister(&ContainerId::new("c1")));
    assert_eq!(say("a:1|c"), format!("a:1|c|#{}", of("c2")));
    assert!(node.core.unregister(&ContainerId::new("c2")));
    assert_eq!(say("a:1|c"), "a:1|c|#unknown_container");
    node.stop();
}

#[test]
fn a_container_that_leaves_is_heard_to_the_end() {
    let node = start(&[QUIET]);
    for round in 0..20 {
        let id = format!("short-{round}");
        let sender = task(node.core.register(&container(&id)).unwrap());
        for _ in 0..100 {
            sender.send(b"last:1|c").unwrap();
        }
        assert!(node.core.unregister(&ContainerId::new(&id)));
    }
    let accounting = node.stop();
    assert_eq!((accounting.lines_received, accounting.kernel_drops), (2000, 0));
    assert_eq!(
        (accounting.endpoints_opened, accounting.endpoints_closed),
        (20, 20)
    );
}

#[test]
fn a_range_that_is_used_up_says_so_and_ports_come_back() {
    let first = free_ports(2);
    let (start_port, end_port) = (first.to_string(), (first + 1).to_string());
    let node = start(&[
        QUIET,
        ("listen_port_mode", "range"),
        ("listen_port_start", &start_port),
        ("listen_port_end", &end_port),
    ]);
    let a = node.core.register(&container("a")).unwrap();
    assert_eq!(
        node.core.register(&container("a")).unwrap(),
        a,
        "a known container keeps its endpoint"
    );
    node.core.register(&container("b")).unwrap();
    let error = node.core.register(&container("c")).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("Port range {start_port}-{end_port} has been depleted.")),
        "{error}"
    );
    assert!(node.core.unregister(&ContainerId::new("a")));
    wait(&node.core, "the closing", |now| now.endpoints_closed == 1);
    assert_eq!(node.core.register(&container("c")).unwrap(), a);
    assert!(!node.core.unregister(&ContainerId::new("never seen")));
    node.stop();
}

#[test]
fn ipv6_works_like_ipv4() {
    if UdpSocket::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let node = start(&[QUIET, ("listen_ip", "::1")]);
    let endpoint = node.core.register(&container("c")).unwrap();
    assert!(endpoint.is_ipv6());
    task(endpoint).send(b"a:1|c").unwrap();
    assert!(node.statsd_lines(1)[0].starts_with("a:1|c|#"));
    node.stop();
}

#[test]
fn two_hundred_and_fifty_threads_register_and_unregister() {
    let node = start(&[QUIET]);
    std::thread::scope(|scope| {
        for number in 0..250 {
            let core = &node.core;
            scope.spawn(move || {
                let container = container(&format!("c{number}"));
                let sender = task(core.register(&container).unwrap());
                sender.send(b"a:1|c").unwrap();
                assert!(core.unregister(&container.id));
            });
        }
    });
    let files = std::fs::read_dir(node.state_dir.path().join("containers"))
        .unwrap()
        .count();
    assert_eq!(files, 0);
    let accounting = node.stop();
    assert_eq!(
        (accounting.lines_received, accounting.endpoints_closed),
        (250, 250)
    );
}

#[test]
fn after_a_restart_the_living_have_their_ports_and_the_dead_no_files() {
    // metrics-vectors.md 25.6, 11
    let node = start(&[QUIET]);
    let endpoints: Vec<_> = ["a", "b", "gone"]
        .iter()
        .map(|id| node.core.register(&container(id)).unwrap())
        .collect();
    let parameters =
        crate::node::parameters(&[QUIET, ("state_path_dir", node.state_dir.path().to_str().unwrap())]);
    let Node { core, state_dir, .. } = node;
    core.shutdown().unwrap();

    let core = Core::start(&parameters).unwrap();
    let alive = [container("a"), container("b"), container("new")];
    assert_eq!(
        core.recover(&alive),
        Recovery {
            recovered: 2,
            lost: 0,
            blind: 1,
            cleared: 1
        }
    );
    assert_eq!(core.register(&alive[0]).unwrap(), endpoints[0]);
    assert_eq!(core.register(&alive[1]).unwrap(), endpoints[1]);
    let mut files: Vec<_> = std::fs::read_dir(state_dir.path().join("containers"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["a", "b", "new"]);
    task(endpoints[0]).send(b"a:1|c").unwrap();
    wait(&core, "what the recovered container sends", |now| {
        now.lines_received == 1
    });
    core.shutdown().unwrap();
}

/// The old module's order (`reference/metrics.md` 1.12). Found by the model in `tests/lifecycle`.
#[test]
fn a_container_without_a_file_gets_the_port_of_none_that_has_one() {
    let first = free_ports(2);
    let (start_port, end_port) = (first.to_string(), (first + 1).to_string());
    let range = [
        QUIET,
        ("listen_port_mode", "range"),
        ("listen_port_start", start_port.as_str()),
        ("listen_port_end", end_port.as_str()),
    ];
    let node = start(&range);
    let endpoint = node.core.register(&container("known")).unwrap();
    assert_eq!(endpoint.port(), first);
    let state = ("state_path_dir", node.state_dir.path().to_str().unwrap());
    let parameters = crate::node::parameters(&[&range[..], &[state]].concat());
    let Node { core, state_dir, .. } = node;
    core.shutdown().unwrap();

    let core = Core::start(&parameters).unwrap();
    let alive = [container("blind"), container("known")];
    let recovery = core.recover(&alive);
    assert_eq!((recovery.recovered, recovery.lost, recovery.blind), (1, 0, 1));
    assert_eq!(core.register(&alive[1]).unwrap(), endpoint);
    assert_eq!(core.register(&alive[0]).unwrap().port(), first + 1);
    core.shutdown().unwrap();
    drop(state_dir);
}

#[test]
fn a_port_that_somebody_took_meanwhile_leaves_its_container_unheard() {
    let node = start(&[QUIET]);
    let endpoint = node.core.register(&container("a")).unwrap();
    let parameters =
        crate::node::parameters(&[QUIET, ("state_path_dir", node.state_dir.path().to_str().unwrap())]);
    let Node { core, state_dir, .. } = node;
    core.shutdown().unwrap();
    let _taken = UdpSocket::bind(endpoint).unwrap();
    let core = Core::start(&parameters).unwrap();
    assert_eq!(
        core.recover(&[container("a")]),
        Recovery {
            lost: 1,
            ..Recovery::default()
        }
    );
    assert!(
        state_dir.path().join("containers/a").exists(),
        "the next restart may be luckier"
    );
}

#[test]
fn a_file_of_the_old_module_is_read_as_it_is() {
    let node = start(&[QUIET]);
    let port = free_ports(1);
    let containers = node.state_dir.path().join("containers");
    std::fs::create_dir(&containers).unwrap();
    let text = format!(r#"{{"container_id":"leaf","statsd_host":"127.0.0.1","statsd_port":{port}}}"#);
    std::fs::write(containers.join("leaf"), text).unwrap();
    // The old module kept the leaf of a nested id only, and no framework.
    let mut nested = container("leaf");
    nested.id = ContainerId::nested(vec!["parent".to_owned()], "leaf");
    assert_eq!(node.core.recover(std::slice::from_ref(&nested)).recovered, 1);
    assert_eq!(node.core.register(&nested).unwrap().port(), port);
    // From now on the file knows all of it, and there is one.
    assert_eq!(node.core.stored(), [nested]);
    assert_eq!(std::fs::read_dir(containers).unwrap().count(), 1);
    node.stop();
}
