//! What is asked when, and what is handed on.

use crate::server::{Request, Server, file, write};
use crate::{PATIENCE, Polled, poll, settings};
use stats_collector::agent::{AgentCounters, Poller};
use stats_collector::telemetry::Counter;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::channel;

/// Whole days, so that in a test there is one poll only.
const ONCE: &str = "--agent-poll-period=86400";

fn url(server: &Server) -> String {
    format!("--agent-url={}", server.url)
}

fn lines(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| request.line.as_str()).collect()
}

/// The topics and numbers of lists of the two answers with metrics.
fn topics(polled: &Polled) -> [(String, usize); 2] {
    [(); 2].map(|()| {
        let lists = polled.lists.recv_timeout(PATIENCE).unwrap();
        (lists[0].topic.clone(), lists.len())
    })
}

#[test]
fn all_is_asked_at_once_over_one_connection_and_again_after_the_period() {
    let server = Server::of_files();
    let polled = poll(&[
        &url(&server),
        "--agent-poll-period=1",
        "--agent-metrics-topic=nodes",
        "--auth-credential=t",
    ]);
    let requests = [(); 6].map(|()| server.next());
    let once = ["GET /state", "GET /metrics/snapshot", "GET /containers"];
    assert_eq!(lines(&requests), [once, once].concat());
    for request in &requests {
        assert_eq!(request.connection, 0);
        let agent = request.header("User-Agent").unwrap();
        assert!(agent.starts_with("dcos-stats-collector/"), "{agent}");
        assert_eq!(request.header("Authorization"), Some("token=t"));
    }
    let state = polled.states.recv_timeout(PATIENCE).unwrap();
    assert_eq!((state.frameworks(), state.applications()), (3, 1));
    let framework = "e4341f7e-de94-48df-b491-a97736b9448a-0003".to_owned();
    assert_eq!(topics(&polled), [("nodes".to_owned(), 1), (framework, 6)]);
    assert!(polled.counters.queries.get() >= 6);
    assert_eq!(polled.counters.query_failures.get(), 0);
    assert!(polled.counters.metrics_values.get() >= 69 + 60);
}

#[test]
fn the_other_interface() {
    let server = Server::of_files();
    let polled = poll(&[&url(&server), ONCE, "--agent-api=v1"]);
    let requests = [(); 4].map(|()| server.next());
    assert_eq!(lines(&requests), ["POST /api/v1"; 4]);
    for (request, call) in requests
        .iter()
        .zip(["GET_AGENT", "GET_STATE", "GET_METRICS", "GET_CONTAINERS"])
    {
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(body["type"], call);
        assert_eq!(request.header("Content-Type"), Some("application/json"));
        assert_eq!(request.header("Accept"), Some("application/json"));
    }
    let state = polled.states.recv_timeout(PATIENCE).unwrap();
    assert_eq!((state.agent_id(), state.hostname()), ("A1", "node"));
    let [_, (_, lists)] = topics(&polled);
    // Those of the three containers, of the sums over their devices, and of the two nested ones.
    assert_eq!(lists, 8);
}

#[test]
fn one_failure_does_not_keep_the_others_from_being_asked() {
    let server = Server::start(|request, stream| match request.line.as_str() {
        "GET /state" => write(stream, 500, "boom"),
        "GET /metrics/snapshot" => write(stream, 200, "[]"),
        _ => write(stream, 200, file(request)),
    });
    let polled = poll(&[&url(&server), ONCE]);
    assert_eq!(polled.lists.recv_timeout(PATIENCE).unwrap().len(), 6);
    assert!(polled.states.try_recv().is_err());
    let counters = &polled.counters;
    let counts = [
        &counters.queries,
        &counters.query_failures,
        &counters.query_bad_data,
    ]
    .map(Counter::get);
    assert_eq!(counts, [3, 1, 1]);
}

#[test]
fn a_credential_is_read_again_once_a_poll() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, "wrong").unwrap();
    let server = Server::answering(|_| (401, String::new()));
    let option = format!("--auth-credential-file={}", path.display());
    let _polled = poll(&[&url(&server), "--agent-poll-period=1", &option]);
    let once = [
        "GET /state",
        "GET /state",
        "GET /metrics/snapshot",
        "GET /containers",
    ];
    let requests = [(); 8].map(|()| server.next());
    assert_eq!(lines(&requests), [once, once].concat());
}

#[test]
fn a_connection_that_was_closed_is_replaced() {
    let server = Server::start(|request, stream| {
        write(stream, 200, file(request));
        if request.line == "GET /containers" {
            stream.shutdown(std::net::Shutdown::Both).unwrap();
        }
    });
    let polled = poll(&[&url(&server), "--agent-poll-period=1"]);
    let connections = [(); 9].map(|()| server.next().connection);
    assert_eq!(connections, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
    assert_eq!(polled.counters.query_failures.get(), 0);
}

#[test]
fn wishes_are_granted_once_in_two_seconds() {
    let server = Server::of_files();
    let polled = poll(&[&url(&server), ONCE]);
    let requests = [(); 3].map(|()| server.next());
    for _ in 0..1000 {
        polled.handle.refresh();
    }
    assert_eq!(lines(&requests).len(), 3);
    assert_eq!(server.next().line, "GET /state");
    polled.states.recv_timeout(PATIENCE).unwrap();
    polled.states.recv_timeout(PATIENCE).unwrap();
    assert_eq!(polled.counters.refreshes.get(), 1);
    assert!(server.requests.try_recv().is_err());
}

#[test]
fn it_ends_with_its_handle() {
    let server = Server::of_files();
    let Polled {
        handle,
        lists,
        states,
        ..
    } = poll(&[&url(&server), ONCE]);
    states.recv_timeout(PATIENCE).unwrap();
    drop(handle);
    // Until the thread has dropped the other end.
    while lists.recv_timeout(PATIENCE).is_ok() {}
    assert!(states.recv_timeout(PATIENCE).is_err());
}

#[test]
fn its_handle_waits_for_no_answer() {
    let (release, released) = channel::<()>();
    let released = std::sync::Mutex::new(released);
    let server = Server::start(move |request, stream| {
        // Until the handle is dropped.
        let _ = released.lock().unwrap().recv_timeout(PATIENCE);
        write(stream, 200, file(request));
    });
    let Polled { handle, lists, .. } = poll(&[&url(&server), ONCE, "--agent-timeout-ms=600000"]);
    assert_eq!(server.next().line, "GET /state");
    drop(handle);
    release.send(()).unwrap();
    assert_eq!(
        lists.recv_timeout(PATIENCE),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected)
    );
    assert!(server.requests.try_recv().is_err());
}

#[test]
fn it_ends_when_nobody_takes_metrics() {
    let server = Server::of_files();
    let (alive, ended) = channel::<()>();
    let settings = settings(&[&url(&server), ONCE]);
    let _handle = Poller::start(
        settings,
        Arc::default(),
        |_| false,
        move |_| {
            let _captured = &alive;
        },
    )
    .unwrap();
    assert!(ended.recv_timeout(PATIENCE).is_err());
    let requests: Vec<_> = server.requests.try_iter().collect();
    assert_eq!(lines(&requests), ["GET /state", "GET /metrics/snapshot"]);
}

#[test]
fn a_panic_costs_one_poll() {
    let server = Server::of_files();
    let (sender, lists) = channel();
    let counters = Arc::<AgentCounters>::default();
    let panicked = AtomicBool::new(false);
    let _handle = Poller::start(
        settings(&[&url(&server), "--agent-poll-period=1"]),
        Arc::clone(&counters),
        move |lists| sender.send(lists).is_ok(),
        move |_| assert!(panicked.swap(true, Relaxed), "a panic of this test"),
    )
    .unwrap();
    lists.recv_timeout(PATIENCE).unwrap();
    assert_eq!(counters.query_failures.get(), 1);
}

#[test]
fn files_stand_for_the_agent() {
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agent");
    let polled = poll(&[
        ONCE,
        "--agent-ip-command=/nonexistent",
        &format!("--agent-test-state-file={files}/state.json"),
        &format!("--agent-test-system-file={files}/metrics-snapshot.json"),
        &format!("--agent-test-containers-file={files}/containers.json"),
    ]);
    assert_eq!(polled.states.recv_timeout(PATIENCE).unwrap().frameworks(), 3);
    let [(topic, _), (_, lists)] = topics(&polled);
    assert_eq!((topic.as_str(), lists), ("agent", 6));
    assert_eq!(polled.counters.ip_lookups.get(), 0);
}

#[test]
fn an_address_that_is_not_found_is_looked_for_again() {
    let server = Server::of_files();
    let port = server.url.rsplit(':').next().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("detect_ip");
    fs::write(
        &script,
        "if rm $0.first; then exit 1; else echo 127.0.0.1; fi 2>/dev/null",
    )
    .unwrap();
    fs::write(script.with_extension("first"), "").unwrap();
    let command = format!("--agent-ip-command=sh {}", script.display());
    let polled = poll(&[&command, &format!("--agent-port={port}"), ONCE]);
    let requests = [server.next(), server.next()];
    assert_eq!(lines(&requests), ["GET /metrics/snapshot", "GET /containers"]);
    let _ = topics(&polled);
    let counters = &polled.counters;
    let counts = [
        &counters.ip_lookups,
        &counters.ip_lookup_failures,
        &counters.queries,
        &counters.query_failures,
    ];
    assert_eq!(counts.map(Counter::get), [2, 1, 3, 1]);
}
