//! The page as it is sent; [`crate::browser`] looks at it in a browser.

use crate::client::{get, get_until, metrics, send};
use crate::running::Running;

/// What a task might hope to get onto the page.
pub(crate) const HOSTILE: [&str; 4] = [
    "<script>document.title='hit'</script>",
    "\"><img src=x onerror=\"document.title='hit'\">",
    "</th></tr></table><h1>hit</h1>",
    "' onmouseover='x' &lt;b&gt;",
];

pub(crate) fn hostile_lists() -> Vec<stats_schema::MetricList> {
    let list = |text: &&str| {
        let tags = [
            ("container_id", *text),
            ("framework_name", text),
            ("task_name", text),
            (text, text),
        ];
        metrics("f", &tags, &[(text, 1.0)])
    };
    HOSTILE.iter().map(list).collect()
}

#[test]
fn names_are_text_and_nothing_else() {
    let collector = Running::start(&[]);
    let empty = get(collector.http(), "/").body;
    assert!(empty.contains("Nothing in the last minutes."));
    send(&collector, &hostile_lists());
    let page = get(collector.http(), "/");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for tag in ["script", "img", "h1", "table"] {
        let count = |page: &str| page.matches(&format!("<{tag}")).count();
        let tables = usize::from(tag == "table");
        assert_eq!(count(&page.body), count(&empty) + tables, "<{tag}");
    }
    assert_eq!(
        page.body
            .matches("&lt;script&gt;document.title=&#39;hit&#39;&lt;/script&gt;")
            .count(),
        3
    );
    assert!(
        page.body
            .contains("&#39; onmouseover=&#39;x&#39; &amp;lt;b&amp;gt;")
    );
}

#[test]
fn what_the_node_sends() {
    let collector = Running::start(&[]);
    let tags = [
        ("container_id", "c-1"),
        ("task_name", "web"),
        ("framework_id", "f-1"),
    ];
    send(
        &collector,
        &[
            metrics("f-1", &tags, &[("a", 1.0), ("b", 2.0)]),
            metrics("agent", &[], &[("load.1min", 1.0)]),
            metrics("unknown_container", &[], &[("x", 1.0)]),
        ],
    );
    // Until the next samples are taken.
    let status = get_until(collector.http(), "/status.json", |status| {
        let status = status.json();
        let sent = status["senders"].as_array().unwrap().iter();
        sent.clone().count() == 3
            && sent
                .clone()
                .all(|sender| sender["datapoints_per_second"].as_f64() > Some(0.0))
    });
    let status = status.json();
    let mut senders: Vec<_> = status["senders"].as_array().unwrap().clone();
    assert_eq!(senders.remove(0)["name"], "web");
    assert_eq!(status["datapoints_received"], 4);
    assert_eq!(status["status"], "ok");
    assert_eq!(status["sinks"][0]["name"], "stdout");
    // A line needs two samples.
    let page = get_until(collector.http(), "/", |page| {
        page.body.contains("<path class=\"line\"")
    })
    .body;
    for part in [
        "<dd id=\"received\">4</dd>",
        "<span class=\"name\">web</span> <span class=\"framework\">f-1</span><span class=\"id\">c-1</span>",
        "<span class=\"name\">This node</span>",
        "<span class=\"name\">Unknown containers</span>",
        "Nothing since the collector started.",
        "<noscript><meta http-equiv=\"refresh\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}
