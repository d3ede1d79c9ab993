//! Name servers that answer what they should not. A real one would not, so that these are written by hand.

use crate::refusal;
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, SRV};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use stats_kafka::{Discovery, DiscoveryError};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

/// Sends back what `answers` makes of each question, over UDP.
fn start(answers: impl Fn(Message) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    serve(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), answers)
}

fn serve(socket: UdpSocket, answers: impl Fn(Message) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let address = socket.local_addr().unwrap();
    // Ends with the test's process.
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            for answer in answers(Message::from_vec(&buffer[..length]).unwrap()) {
                socket.send_to(&answer, from).unwrap();
            }
        }
    });
    address
}

/// Answers every TCP connection with these bytes, on the same port as a UDP server that says they are needed.
fn truncating(bytes: impl Fn(&Message) -> Vec<u8> + Send + 'static) -> SocketAddr {
    // A port may be free for one protocol and not for the other.
    let (socket, listener) = std::iter::repeat_with(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Some((UdpSocket::bind(listener.local_addr().unwrap()).ok()?, listener))
    })
    .take(10)
    .flatten()
    .next()
    .unwrap();
    let address = serve(socket, |question| {
        let mut answer = response(&question);
        answer.metadata.truncation = true;
        vec![answer.to_vec().unwrap()]
    });
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut question = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut question).unwrap();
            let answer = bytes(&Message::from_vec(&question).unwrap());
            // Who has read enough closes.
            let _written = stream.write_all(&answer);
        }
    });
    address
}

fn response(question: &Message) -> Message {
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.add_queries(question.queries.clone());
    answer
}

/// The right answer: a scheduler on port 1, where nobody listens.
fn right(question: &Message) -> Message {
    let mut answer = response(question);
    let query = &question.queries[0];
    let data = if query.query_type == RecordType::SRV {
        RData::SRV(SRV::new(0, 0, 1, Name::from_ascii("s.mesos.").unwrap()))
    } else {
        RData::A(A::new(127, 0, 0, 1))
    };
    answer.add_answer(Record::from_rdata(query.name.clone(), 60, data));
    answer
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes(), bytes].concat()
}

/// What the name server at `address` leads to. `waits` is for those that let us wait: the time is then short.
fn reason(address: SocketAddr, waits: bool) -> String {
    let settings = Discovery {
        timeout: Duration::from_secs(if waits { 1 } else { 60 }),
        name_server: Some(address),
    };
    match refusal(&settings) {
        DiscoveryError::Scheduler { reason, .. } => {
            let place = format!("SRV _kafka._tcp.marathon.mesos.: {address}: ");
            reason.strip_prefix(&place).unwrap().to_owned()
        }
        other => other.to_string(),
    }
}

/// The reason once the right answer was understood.
const NOBODY_LISTENS: &str = "http://s.mesos:1/v1/connection: ";

#[test]
fn answers_to_other_questions_are_passed_over() {
    let address = start(|question| {
        let mut wrong_id = response(&question);
        wrong_id.metadata.id = wrong_id.metadata.id.wrapping_add(1);
        let mut wrong_question = response(&question);
        wrong_question.queries = vec![Query::query(
            Name::from_ascii("x.mesos.").unwrap(),
            RecordType::SRV,
        )];
        let wrong = [wrong_id, wrong_question, question.clone()].map(|message| message.to_vec().unwrap());
        let mut answers = vec![Vec::new(), vec![7], b"garbage that is long enough".to_vec()];
        answers.extend(wrong);
        answers.push(right(&question).to_vec().unwrap());
        answers
    });
    let reason = reason(address, false);
    assert!(reason.contains(NOBODY_LISTENS), "{reason}");
}

#[test]
fn answers_without_a_scheduler() {
    let coded = |code| {
        start(move |question| {
            let mut answer = response(&question);
            answer.metadata.response_code = code;
            vec![answer.to_vec().unwrap()]
        })
    };
    assert_eq!(reason(coded(ResponseCode::ServFail), false), "Server Failure");
    assert_eq!(reason(coded(ResponseCode::NoError), false), "no such record");
    // Records of another type are none.
    let other = start(|question| {
        let mut answer = response(&question);
        let name = question.queries[0].name.clone();
        answer.add_answer(Record::from_rdata(name, 60, RData::A(A::new(127, 0, 0, 1))));
        vec![answer.to_vec().unwrap()]
    });
    assert_eq!(reason(other, false), "no such record");
    // An answer that ends in its only record.
    let cut = start(|question| {
        let mut answer = right(&question).to_vec().unwrap();
        answer.truncate(answer.len() - 3);
        vec![answer]
    });
    let cut = reason(cut, false);
    assert!(cut.starts_with("malformed answer: "), "{cut}");
}

#[test]
fn no_answer() {
    assert_eq!(reason(start(|_| Vec::new()), true), "no answer in time");
    let gone = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let gone = reason(address, false);
    assert!(gone.contains("refused"), "{gone}");
}

#[test]
fn truncated_answers_are_fetched_over_tcp() {
    let whole = truncating(|question| prefixed(&right(question).to_vec().unwrap()));
    let whole = reason(whole, false);
    // The address of the scheduler is truncated, too.
    assert!(whole.contains(NOBODY_LISTENS), "{whole}");

    let cut = truncating(|question| {
        let mut bytes = prefixed(&right(question).to_vec().unwrap());
        bytes.pop();
        bytes
    });
    assert_eq!(
        reason(cut, false),
        "closed the connection in the middle of its answer"
    );

    let garbage = reason(truncating(|_| prefixed(&[0xff; 300])), false);
    assert!(garbage.starts_with("malformed answer: "), "{garbage}");

    let other = reason(
        truncating(|question| {
            let mut answer = right(question);
            answer.metadata.id = answer.metadata.id.wrapping_add(1);
            prefixed(&answer.to_vec().unwrap())
        }),
        false,
    );
    assert_eq!(other, "malformed answer: an answer to another question");

    // Takes the connection and says nothing.
    let silent = truncating(|_| {
        loop {
            std::thread::park();
        }
    });
    assert_eq!(reason(silent, true), "no answer in time");
}

#[test]
fn a_name_that_only_leads_to_itself() {
    // A pointer to itself where the name of the record should be.
    let address = start(|question| {
        let mut bytes = right(&question).to_vec().unwrap();
        let start = response(&question).to_vec().unwrap().len();
        bytes[start] = 0xc0 | u8::try_from(start >> 8).unwrap();
        bytes[start + 1] = u8::try_from(start & 0xff).unwrap();
        vec![bytes]
    });
    let error = reason(address, false);
    assert!(error.starts_with("malformed answer: "), "{error}");
}
