//! An HTTP server that records what it is asked and answers as told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Counts connections.
    pub(crate) connection: usize,
    /// Method and path.
    pub(crate) line: String,
    /// As sent.
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|header| {
            let (key, value) = header.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Where it listens, and what arrives. `answer` writes the whole answer.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) requests: Receiver<Request>,
}

impl Server {
    /// Answers each request with what `answer` writes to the connection.
    pub(crate) fn start(answer: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let (sender, answer) = (sender.clone(), Arc::clone(&answer));
                // Ends with the connection or with the test.
                std::thread::spawn(move || serve(connection, stream, &sender, &*answer));
            }
        });
        Self { url, requests }
    }

    /// Answers with a status and a body.
    pub(crate) fn answering(answer: impl Fn(&Request) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::start(move |request, stream| {
            let (status, body) = answer(request);
            write(stream, status, &body);
        })
    }

    /// Answers as the real agent did.
    pub(crate) fn of_files() -> Self {
        Self::answering(|request| (200, file(request).to_owned()))
    }

    pub(crate) fn next(&self) -> Request {
        self.requests.recv_timeout(crate::PATIENCE).unwrap()
    }
}

pub(crate) fn write(stream: &mut TcpStream, status: u16, body: &str) {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
    // The client may have given up.
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body.as_bytes()));
}

/// What a real agent answered to such a request.
pub(crate) fn file(request: &Request) -> &'static str {
    match (request.line.as_str(), request.body.as_str()) {
        ("GET /state", _) => include_str!("state.json"),
        ("GET /metrics/snapshot", _) => include_str!("metrics-snapshot.json"),
        ("GET /containers", _) => include_str!("containers.json"),
        ("POST /api/v1", body) if body.contains("GET_STATE") => include_str!("v1-GET_STATE.json"),
        ("POST /api/v1", body) if body.contains("GET_METRICS") => include_str!("v1-GET_METRICS.json"),
        ("POST /api/v1", body) if body.contains("GET_CONTAINERS") => include_str!("v1-GET_CONTAINERS.json"),
        ("POST /api/v1", body) if body.contains("GET_AGENT") => {
            r#"{"type":"GET_AGENT","get_agent":{"agent_info":{"hostname":"node","id":{"value":"A1"}}}}"#
        }
        _ => panic!("{request:?}"),
    }
}

fn serve(
    connection: usize,
    mut stream: TcpStream,
    sender: &Sender<Request>,
    answer: &(impl Fn(&Request, &mut TcpStream) + ?Sized),
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
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
        let line = head.remove(0).replace(" HTTP/1.1", "");
        let mut request = Request {
            connection,
            line,
            headers: head,
            body: String::new(),
        };
        let length = request
            .header("Content-Length")
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        request.body = String::from_utf8(body).unwrap();
        sender.send(request.clone()).ok()?;
        answer(&request, &mut stream);
    }
}
