//! An HTTP server that records what it is asked and answers as told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// One request.
pub(crate) struct Request {
    pub(crate) line: String,
    /// In small letters.
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

/// The port, and what arrives there. `answer` gives the status and the body.
pub(crate) fn start(
    answer: impl Fn(&Request) -> (u16, String) + Send + Clone + 'static,
) -> (u16, Receiver<Request>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (sender, answer) = (sender.clone(), answer.clone());
            // Ends with the connection or with the test.
            std::thread::spawn(move || serve(&stream, &sender, answer));
        }
    });
    (port, requests)
}

fn serve(
    mut stream: &TcpStream,
    sender: &Sender<Request>,
    answer: impl Fn(&Request) -> (u16, String),
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let line = head.remove(0);
        let headers: Vec<_> = head.iter().map(|header| header.to_lowercase()).collect();
        let length = headers
            .iter()
            .find_map(|header| header.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).unwrap();
        let request = Request { line, headers, body };
        let (status, body) = answer(&request);
        sender.send(request).ok()?;
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
    }
}

/// The next request.
pub(crate) fn next(requests: &Receiver<Request>) -> Request {
    requests.recv_timeout(Duration::from_secs(60)).unwrap()
}
