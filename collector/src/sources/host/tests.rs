use super::*;
use std::collections::{BTreeSet, HashMap};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

const PATIENCE: Duration = Duration::from_secs(60);

/// Host metrics with this period, and the lists they hand over.
fn started(period: Duration) -> (HostMetrics, Receiver<Vec<MetricList>>) {
    let (sender, lists) = channel();
    let host = HostMetrics::start(period, "agent", None, move |lists| sender.send(lists).is_ok()).unwrap();
    (host, lists)
}

/// Values by name, and by name and tag.
fn values(lists: &[MetricList]) -> HashMap<(String, String), f64> {
    lists
        .iter()
        .flat_map(|list| {
            let tag = list.tags.first().map_or(String::new(), |tag| tag.value.clone());
            list.datapoints
                .iter()
                .map(move |datapoint| ((datapoint.name.clone(), tag.clone()), datapoint.value))
        })
        .collect()
}

/// What the first poll of both threads finds.
fn first_poll() -> Vec<MetricList> {
    let (_host, lists) = started(Duration::from_secs(3600));
    let mut all = lists.recv_timeout(PATIENCE).unwrap();
    all.extend(lists.recv_timeout(PATIENCE).unwrap());
    all
}

fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn names_types_and_tags() {
    let lists = first_poll();
    let now = now_ms();
    let mut names = BTreeSet::new();
    let mut tags = BTreeSet::new();
    for list in &lists {
        assert_eq!(list.topic, "agent");
        assert!(
            list.tags.len() <= 1 && tags.insert(format!("{:?}", list.tags)),
            "{:?}",
            list.tags
        );
        for datapoint in &list.datapoints {
            assert_eq!(
                (datapoint.metric_type, datapoint.sample_rate),
                (MetricType::Gauge, 1.0)
            );
            assert!((now - 60_000..=now).contains(&datapoint.time_ms) && datapoint.value >= 0.0);
            assert!(!datapoint.name.contains(['_', '-', ':', '/']));
            let key = list.tags.first().map(|tag| tag.key.as_str());
            let expected = match datapoint.name.split_once('.').unwrap().0 {
                "filesystem" => Some("path"),
                "network" => Some("interface"),
                _ => None,
            };
            assert_eq!(key, expected, "{}", datapoint.name);
            names.insert(datapoint.name.as_str());
        }
    }
    let expected = "cpu.cores \
        filesystem.capacity.free filesystem.capacity.total filesystem.capacity.used \
        filesystem.inode.free filesystem.inode.total filesystem.inode.used \
        load.15min load.1min load.5min memory.buffers memory.cached memory.free memory.total \
        network.in network.in.dropped network.in.errors network.in.packets \
        network.out network.out.dropped network.out.errors network.out.packets \
        process.count swap.free swap.total swap.used system.uptime";
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        expected.split_whitespace().collect::<Vec<_>>()
    );
}

#[test]
fn values_are_what_other_programs_find() {
    let values = values(&first_poll());
    let of = |name: &str, tag: &str| values[&(name.to_owned(), tag.to_owned())];
    assert_eq!(
        of("cpu.cores", ""),
        printed("getconf", &["_NPROCESSORS_ONLN"])
            .trim()
            .parse::<f64>()
            .unwrap()
    );
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let kbytes = |key: &str| -> f64 {
        let line = meminfo.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    assert_eq!(of("memory.total", ""), kbytes("MemTotal:") * 1024.0);
    assert_eq!(of("swap.total", ""), kbytes("SwapTotal:") * 1024.0);
    assert_eq!(of("swap.used", "") + of("swap.free", ""), of("swap.total", ""));
    assert!(of("memory.free", "") + of("memory.cached", "") < of("memory.total", ""));
    let df = printed("df", &["--output=size,itotal", "--block-size=1", "/"]);
    let df: Vec<f64> = df
        .lines()
        .nth(1)
        .unwrap()
        .split_whitespace()
        .map(|text| text.parse().unwrap())
        .collect();
    assert_eq!(
        [
            of("filesystem.capacity.total", "/"),
            of("filesystem.inode.total", "/")
        ],
        df[..]
    );
    let used_and_free = of("filesystem.capacity.used", "/") + of("filesystem.capacity.free", "/");
    assert!(used_and_free > 0.0 && used_and_free <= of("filesystem.capacity.total", "/"));

    // These only grow, so that they lie between what is found before and after.
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let uptime: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
    assert!(of("system.uptime", "") <= uptime && of("system.uptime", "") > uptime - 60.0);
    for interface in std::fs::read_dir("/sys/class/net").unwrap() {
        let interface = interface.unwrap();
        let name = interface.file_name().into_string().unwrap();
        let Ok(bytes) = std::fs::read_to_string(interface.path().join("statistics/rx_bytes")) else {
            continue;
        };
        assert!(of("network.in", &name) <= bytes.trim().parse().unwrap(), "{name}");
    }
    let processes = printed("sh", &["-c", "ls /proc | grep -c '^[0-9]'"])
        .trim()
        .parse::<f64>()
        .unwrap();
    assert!((of("process.count", "") - processes).abs() < 200.0);
}

#[test]
fn the_cpu_comes_with_the_second_poll_and_adds_up() {
    let (host, lists) = started(Duration::from_millis(50));
    let mut polls = std::iter::repeat_with(|| lists.recv_timeout(PATIENCE).unwrap())
        .map(|lists| values(&lists))
        .filter(|values| values.contains_key(&("cpu.cores".to_owned(), String::new())));
    let cpu = |values: &HashMap<_, _>, name: &str| values.get(&(name.to_owned(), String::new())).copied();
    assert_eq!(cpu(&polls.next().unwrap(), "cpu.idle"), None);
    let second = polls.next().unwrap();
    let [total, user, system, idle, wait] =
        ["total", "user", "system", "idle", "wait"].map(|name| cpu(&second, &format!("cpu.{name}")).unwrap());
    assert!((user + system - total).abs() < 0.02, "{second:?}");
    assert!(total + idle + wait <= 100.05, "{second:?}");
    drop(polls);
    drop(host);
    // Ends when both threads have, and dropped their side.
    lists.iter().for_each(drop);
}

#[test]
fn ends_when_nobody_listens() {
    let (sender, ends) = channel();
    let _host = HostMetrics::start(Duration::ZERO, "agent", None, move |_| {
        sender.send(()).unwrap();
        false
    })
    .unwrap();
    assert_eq!(ends.iter().count(), 2);
}
