//! What an agent may answer.

use crate::server::{Server, file, write};
use crate::settings;
use stats_collector::agent::check;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

fn refused(url: &str, more: &[&str]) -> String {
    let url = format!("--agent-url={url}");
    let arguments: Vec<_> = [url.as_str(), "--auth-credential=s3cret"]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    let error = check(&settings(&arguments)).unwrap_err();
    let text = error.to_string();
    assert!(
        !text.contains("s3cret") && !format!("{error:?}").contains("s3cret"),
        "{text}"
    );
    text
}

#[test]
fn errors_name_the_request_and_what_came_back() {
    for (status, body, parts) in [
        (500, "boom\nbang\u{7}", ["HTTP status 500", "boom\\nbang\\u{7}"]),
        (401, "", ["HTTP status 401", "--auth-credential"]),
        (403, "no", ["HTTP status 403", "AUTH_CREDENTIAL"]),
        (307, "", ["HTTP status 307", ""]),
        (200, "", ["not the expected JSON", ""]),
        (200, "<html>", ["not the expected JSON", "line 1"]),
        (200, "{}", ["no usable \"id\"", ""]),
        (200, "{\"id\":\"A\"}", ["no usable \"frameworks\"", ""]),
        (204, "", ["not the expected JSON", ""]),
    ] {
        let server = Server::answering(move |_| (status, body.to_owned()));
        let text = refused(&server.url, &[]);
        assert!(text.starts_with(&format!("GET {}/state: ", server.url)), "{text}");
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Server::of_files();
    let location = other.url.clone();
    let server = Server::start(move |_, stream| {
        let answer = format!("HTTP/1.1 302 X\r\nLocation: {location}/state\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).unwrap();
    });
    assert!(refused(&server.url, &[]).contains("HTTP status 302"));
    assert!(other.requests.try_recv().is_err());
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let text = refused(&url, &[]);
    assert!(
        text.starts_with(&format!("GET {url}/state: ")) && text.contains("refused"),
        "{text}"
    );
}

#[test]
fn an_answer_has_to_come_in_time() {
    // Not at all, and a byte at a time.
    for drip in [false, true] {
        let server = Server::start(move |_, stream| {
            let mut going = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                .is_ok();
            while going {
                std::thread::sleep(Duration::from_millis(20));
                going = !drip || stream.write_all(b" ").is_ok();
            }
        });
        let text = refused(&server.url, &["--agent-timeout-ms=200"]);
        assert!(
            text.contains("no complete answer within 200 ms (--agent-timeout-ms)"),
            "{text}"
        );
    }
}

#[test]
fn an_answer_that_breaks_off_is_refused() {
    let server = Server::start(|_, stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"id\"")
            .unwrap();
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    });
    assert!(refused(&server.url, &[]).starts_with("GET "));
}

#[test]
fn an_answer_of_100_megabytes_is_refused() {
    const SIZE: usize = 100 << 20;
    for (head, most) in [
        // Said at the beginning: hardly more than fits the buffers of the connection is sent.
        (
            format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"),
            32 << 20,
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_owned(),
            96 << 20,
        ),
    ] {
        let sent = Arc::new(AtomicUsize::new(0));
        let (ended_sender, ended) = std::sync::mpsc::channel();
        let counter = Arc::clone(&sent);
        let server = Server::start(move |_, stream| {
            let _ = stream.write_all(head.as_bytes());
            let part = [b' '; 64 << 10];
            while counter.load(Relaxed) < SIZE && stream.write_all(&part).is_ok() {
                counter.fetch_add(part.len(), Relaxed);
            }
            let _ = stream.shutdown(std::net::Shutdown::Both);
            let _ = ended_sender.send(());
        });
        let text = refused(&server.url, &["--agent-timeout-ms=60000"]);
        assert!(text.contains("more than 67108864 bytes"), "{text}");
        ended.recv_timeout(crate::PATIENCE).unwrap();
        assert!(
            sent.load(Relaxed) < most,
            "{} bytes were sent",
            sent.load(Relaxed)
        );
    }
}

#[test]
fn bytes_that_are_no_text_cost_no_more_than_themselves() {
    let server = Server::start(|_, stream| {
        let body = b"{\"id\":\"A\",\"frameworks\":[{\"id\":\"f\",\"name\":\"\xff\",\"executors\":[]}]}";
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body))
            .unwrap();
    });
    let url = format!("--agent-url={}", server.url);
    assert_eq!(check(&settings(&[&url])).unwrap(), "A");
}

#[test]
fn a_refused_credential_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, "old\n").unwrap();
    let renewed = path.clone();
    let server = Server::start(
        move |request, stream| match request.header("Authorization").unwrap() {
            "token=new" => write(stream, 200, file(request)),
            _ => {
                fs::write(&renewed, "new\n").unwrap();
                write(stream, 401, "expired");
            }
        },
    );
    let url = format!("--agent-url={}", server.url);
    let file = format!("--auth-credential-file={}", path.display());
    check(&settings(&[&url, &file])).unwrap();
    let tokens =
        [server.next(), server.next()].map(|request| request.header("Authorization").unwrap().to_owned());
    assert_eq!(tokens, ["token=old", "token=new"]);
    assert!(server.requests.try_recv().is_err());
}

#[test]
fn a_credential_file_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let server = Server::of_files();
    let url = format!("--agent-url={}", server.url);
    let option = format!("--auth-credential-file={}", path.display());
    let error = || check(&settings(&[&url, &option])).unwrap_err().to_string();
    let named = format!("--auth-credential-file {}: ", path.display());
    assert!(error().starts_with(&named), "{}", error());
    fs::write(&path, " \n").unwrap();
    assert!(error().contains("the file is empty"), "{}", error());
    fs::write(&path, "a\nb").unwrap();
    assert_eq!(
        error(),
        "the credential has characters that HTTP does not allow in a header"
    );
    fs::write(&path, "good").unwrap();
    check(&settings(&[&url, &option])).unwrap();
    assert_eq!(server.next().header("Authorization"), Some("token=good"));
}
