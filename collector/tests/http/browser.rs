//! The page in a real browser: headless Chromium, driven by chromedriver as W3C WebDriver says.

use crate::client::{PATIENCE, exchange, metrics, send};
use crate::page::{HOSTILE, hostile_lists};
use crate::running::{Lines, Running};
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// A browser with one window, ended when dropped.
struct Browser {
    driver: Child,
    address: String,
    window: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// None, with a word on stderr, if there is no Chromium.
    fn start() -> Option<Self> {
        let installed = |program: &str| {
            let found = Command::new(program).arg("--version").output().is_ok();
            if !found {
                eprintln!("skipped: {program} is not installed");
            }
            found
        };
        if !installed("chromium") || !installed("chromedriver") {
            return None;
        }
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Lines::of(driver.stdout.take().unwrap()).find("started successfully on port ");
        let port: String = started.chars().filter(char::is_ascii_digit).collect();
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self {
            driver,
            address: format!("127.0.0.1:{port}"),
            window: String::new(),
            _profile: profile,
        };
        let user_data = format!("--user-data-dir={}", browser._profile.path().display());
        let opened = browser.post(
            "/session",
            &json!({"capabilities": {"alwaysMatch": {
                // As root, as in containers, Chromium has no sandbox.
                "goog:chromeOptions": {"args": ["--headless", "--no-sandbox", "--disable-dev-shm-usage", user_data]},
                "goog:loggingPrefs": {"browser": "ALL"},
            }}}),
        );
        browser.window = format!("/session/{}", opened["sessionId"].as_str().unwrap());
        Some(browser)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let answer = exchange(
            &self.address,
            &format!(
                "POST {}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                self.window,
                body.len()
            ),
        );
        assert_eq!(answer.status, 200, "{path} {body}: {answer:?}");
        answer.json()["value"].clone()
    }

    fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// What a script returns.
    fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Runs a script until it returns true.
    fn wait_for(&self, script: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.run(script) != true {
            assert!(
                Instant::now() < deadline,
                "{script}: {}",
                self.run("return document.body.innerText")
            );
        }
    }

    /// What the browser has to complain about so far.
    fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({"type": "browser"}));
        log.as_array().unwrap().iter().map(ToString::to_string).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.window.is_empty() {
            // Ends the browser as well.
            exchange(
                &self.address,
                &format!(
                    "DELETE {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                    self.window
                ),
            );
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[test]
fn numbers_change_and_names_stay_text() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let collector = Running::start(&[]);
    browser.open(&format!("http://{}/", collector.http()));
    assert_eq!(
        browser.run("return document.getElementById('received').textContent"),
        "0"
    );

    // Without a word to the browser, the page shows what comes.
    browser.run("window.opened = true");
    send(&collector, &hostile_lists());
    browser.wait_for("return document.getElementById('received').textContent === '4'");
    browser.wait_for("return document.querySelectorAll('.senders tbody tr').length === 4");
    browser.wait_for("return document.querySelectorAll('.senders path.line').length === 4");
    assert_eq!(
        browser.run("return window.opened"),
        true,
        "the page was loaded anew"
    );

    let names = browser.run(
        "return Array.from(document.querySelectorAll('.senders .name'), element => element.textContent)",
    );
    let mut names: Vec<_> = names
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut expected = HOSTILE;
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(browser.run("return document.title"), "dcos-stats collector");
    assert_eq!(
        browser.run("return document.querySelectorAll('img, h1').length"),
        1
    );

    // Styles and drawings are there, and nothing is wider than a phone.
    assert_eq!(
        browser.run("return document.styleSheets[0].cssRules.length > 10"),
        true
    );
    browser.post("/window/rect", &json!({"width": 360, "height": 740}));
    assert_eq!(
        browser.run("return document.documentElement.scrollWidth <= window.innerWidth"),
        true
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_page_that_gets_no_answer_says_so() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let collector = Running::start(&[]);
    send(
        &collector,
        &[metrics("f", &[("container_id", "c1")], &[("n", 1.0)])],
    );
    browser.open(&format!("http://{}/", collector.http()));
    assert_eq!(browser.run("return document.getElementById('lost').hidden"), true);
    drop(collector);
    browser.wait_for("return !document.getElementById('lost').hidden");
    assert_eq!(
        browser.run("return document.getElementById('received').textContent"),
        "1"
    );
}
