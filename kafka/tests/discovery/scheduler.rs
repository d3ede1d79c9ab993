//! A listener that plays a scheduler, as badly as it is told.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

/// The port, and the heads of the requests that arrive there. `answer` writes to the connection, which is closed afterwards.
pub(crate) fn start(
    answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + 'static,
) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, heads) = channel();
    // Ends with the test's process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            // A test that has seen enough does not listen, and a client that has read enough does not read.
            let _heard = sender.send(head.join("\n"));
            let _written = answer(&mut stream);
        }
    });
    (port, heads)
}

/// Answers every request with this status and body.
pub(crate) fn with_body(status: &'static str, body: String) -> (u16, Receiver<String>) {
    start(move |stream| {
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    })
}
