//! A stream over TCP to two sinks at once, one of which cannot express everything in it.

use stats_collector::Collector;
use stats_collector::sinks::{FileOptions, Files, Statsd, StatsdOptions};
use stats_collector::sources::Limits;
use stats_schema::{Block, Datapoint, Layout, MetricList, MetricType, StreamDecoder, Tag};
use std::io::{ErrorKind, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;
use tokio::sync::oneshot;

fn datapoint(name: &str, metric_type: MetricType, value: f64) -> Datapoint {
    Datapoint {
        name: name.into(),
        time_ms: 1_472_688_000_123,
        value,
        metric_type,
        sample_rate: 0.5,
        text: None,
    }
}

fn lists() -> Vec<MetricList> {
    let list = |datapoints| MetricList {
        topic: "f".into(),
        tags: vec![Tag {
            key: "container_id".into(),
            value: "c".into(),
        }],
        datapoints,
    };
    vec![
        list(vec![
            datapoint("hits", MetricType::Counter, 4.0),
            datapoint("nan", MetricType::Gauge, f64::NAN),
        ]),
        list(vec![datapoint("nan", MetricType::Timer, f64::INFINITY)]),
        list(vec![datapoint("took", MetricType::Timer, 9.5)]),
    ]
}

#[test]
fn the_same_records_reach_a_statsd_server_and_a_file() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (balance, received) = runtime.block_on(async {
        let mut collector = Collector::bind(&["127.0.0.1:0".parse().unwrap()], Limits::default())
            .await
            .unwrap();
        let statsd = StatsdOptions {
            server: Some(("127.0.0.1".to_owned(), server.local_addr().unwrap().port())),
            tags: true,
            max_bytes: 1432,
        };
        let file = FileOptions {
            folder: Some(folder.path().to_owned()),
            rotate_kbytes: 1024,
            rotate_seconds: 3600,
            keep: 2,
        };
        collector
            .add_sink(Statsd::open(&statsd).unwrap().unwrap(), 1 << 20)
            .unwrap();
        collector
            .add_sink(Files::open(&file).unwrap().unwrap(), 1 << 20)
            .unwrap();
        let address = collector.address().unwrap();
        let (stop, stopped) = oneshot::channel();
        // Not on the runtime's thread, which the collector needs.
        let sender = tokio::task::spawn_blocking(move || {
            let mut block = Block::new(Layout::Typed);
            lists().iter().for_each(|list| block.push(list));
            let mut bytes = Vec::new();
            block.write_file(&mut bytes);
            TcpStream::connect(address).unwrap().write_all(&bytes).unwrap();
            let mut datagram = vec![0; 2000];
            let len = loop {
                // With a timeout, the system does not go on by itself after a process was stopped.
                match server.recv(&mut datagram) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    received => break received.unwrap(),
                }
            };
            stop.send(()).unwrap();
            String::from_utf8(datagram[..len].to_vec()).unwrap()
        });
        let (balance, result) = collector
            .run(async {
                let _stopped = stopped.await;
            })
            .await;
        result.unwrap();
        (balance, sender.await.unwrap())
    });
    assert_eq!(
        received,
        "hits:4|c|#container_id:c\ntook:9.5|ms|@0.5|#container_id:c"
    );
    let json = serde_json::to_value(&balance).unwrap();
    assert!(balance.balanced(), "{json}");
    let statsd = &json["sinks"]["statsd"];
    assert_eq!(
        (&statsd["records_written"], &statsd["datapoints_written"]),
        (&2.into(), &2.into())
    );
    assert_eq!(statsd["records_dropped"], serde_json::json!({"no_number": 1}));
    assert_eq!(statsd["datapoints_dropped"], serde_json::json!({"no_number": 2}));
    assert_eq!(json["sinks"]["file"]["datapoints_written"], 4);

    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(
        files.len() == 1 && files[0].extension().unwrap() == "avro",
        "{files:?}"
    );
    let mut decoder = StreamDecoder::new(stats_schema::Limits::default());
    let mut found = Vec::new();
    decoder
        .feed(&std::fs::read(&files[0]).unwrap(), |record| {
            found.push(format!("{:?}", record.to_owned()));
        })
        .unwrap();
    decoder.finish().unwrap();
    // NaN is not equal to itself, but reads the same.
    assert_eq!(
        found,
        lists().iter().map(|list| format!("{list:?}")).collect::<Vec<_>>()
    );
}
