//! An MMSC that does what a test says: it takes connections one by one, reads requests to their last octet and answers
//! in whatever octets it likes.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use carrier::Submission;
use carrier::mm7::config::Mm7Config;
use model::Message;
use model::media::{Media, MediaType};
use model::message::MessageType;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::mm7::{Dialect, Message as Mm7, Operation, Status, StatusCode, SubmitReq, SubmitRsp, post};
use wire::mms::Part;

use super::{Bench, first_attempt, within};

/// A carrier at `address`, whose pace is unbounded and whose rests are short.
pub(crate) fn config(address: SocketAddr) -> Mm7Config {
    Mm7Config {
        name: "mmsc".to_owned(),
        url: format!("http://{address}/vasp"),
        rate: 0,
        reconnect_floor_ms: 1,
        reconnect_ceiling_ms: 2,
        ..Mm7Config::default()
    }
}

/// A carrier of this configuration that listens for reports on a port of its own, and where that is.
pub(crate) fn listening(config: &Mm7Config) -> (Bench, SocketAddr) {
    let bench = bench(&Mm7Config { listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))), ..config.clone() });
    let address = bench.carrier.status().listens_at.unwrap();
    (bench, address)
}

/// A carrier of this configuration that listens nowhere.
pub(crate) fn bench(config: &Mm7Config) -> Bench {
    Bench::start(config.clone())
}

/// The first attempt at a message with a picture of so many octets.
pub(crate) fn picture(number: u32, size: usize) -> Submission {
    let sms = first_attempt(number, "Grüße");
    let bytes: Bytes = (0..size).map(|at| (at % 251) as u8).collect::<Vec<_>>().into();
    let message = Message { kind: MessageType::Mms, ..Message::clone(&sms.message) };
    Submission { message: Arc::new(message), media: Some(Media { kind: MediaType::Png, bytes }), ..sms }
}

/// The scripted MMSC.
pub(crate) struct Mmsc {
    listener: TcpListener,
}

impl Mmsc {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> Line<TcpStream> {
        Line::new(within("a connection", self.listener.accept()).await.unwrap().0)
    }

    /// Whether a connection is there already.
    pub(crate) async fn was_called(&self) -> bool {
        tokio::select! {
            biased;
            _ = self.listener.accept() => true,
            () = tokio::task::yield_now() => false,
        }
    }
}

/// One connection, from either end.
pub(crate) struct Line<S> {
    pub(crate) stream: S,
    input: Vec<u8>,
}

/// What came over a connection: a head, and a body of the length that the head gives.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Heard {
    /// The value of a header field.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// The first line.
    pub(crate) fn start(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    /// Its message of MM7, and what travelled beside it.
    pub(crate) fn message(&self) -> (Mm7, Vec<Part>) {
        post::read(self.header("content-type"), &self.body).unwrap()
    }

    /// The submission that it is.
    pub(crate) fn submit_req(&self) -> (SubmitReq, Vec<Part>) {
        match self.message() {
            (Mm7 { operation: Operation::SubmitReq(request), .. }, parts) => (*request, parts),
            other => panic!("{other:?}"),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream, input: Vec::new() }
    }

    /// The next request or answer, whole.
    pub(crate) async fn hear(&mut self) -> Heard {
        within("a request or an answer", self.hear_or_end()).await.expect("the connection ended")
    }

    /// The same; `None` when the connection ends first.
    pub(crate) async fn hear_or_end(&mut self) -> Option<Heard> {
        loop {
            if let Some(end) = self.input.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8(self.input[..end].to_vec()).unwrap();
                let heard = Heard { head, body: Vec::new() };
                let length: usize = heard.header("content-length").map_or(0, |length| length.parse().unwrap());
                if self.input.len() >= end + 4 + length {
                    let rest = self.input.split_off(end + 4 + length);
                    let body = std::mem::replace(&mut self.input, rest).split_off(end + 4);
                    return Some(Heard { body, ..heard });
                }
            }
            if self.stream.read_buf(&mut self.input).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// Writes these octets.
    pub(crate) async fn say(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.write_all(octets.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }
}

/// An answer of HTTP with this status, type and body.
pub(crate) fn http(status: &str, content_type: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// An envelope around a body.
pub(crate) fn envelope(operation: Operation) -> String {
    wire::mm7::write(&Mm7 { dialect: Dialect::default(), transaction_id: "tx-1".to_owned(), operation })
}

/// The answer to a submission.
pub(crate) fn submit_rsp(code: u16, message_id: Option<&str>) -> String {
    let status = Status::new(StatusCode(code));
    http(
        "200 OK",
        "text/xml",
        &envelope(Operation::SubmitRsp(SubmitRsp { status, message_id: message_id.map(str::to_owned) })),
    )
}
