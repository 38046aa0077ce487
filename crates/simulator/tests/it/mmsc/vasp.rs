//! HTTP from both sides: a VASP that submits to the MMSC, and its listener that the MMSC reports to, each doing what a
//! test tells it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use simulator::mmsc::Mmsc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use wire::mm7::{
    Address, Content, DeliveryReportReq, Dialect, Malformed, Message, Operation, Recipients, Status, StatusCode,
    SubmitReq, post,
};

use super::support;
use crate::client::within;

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) http: u16,
    content_type: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    /// What it says.
    pub(super) fn operation(&self) -> Result<Operation, Malformed> {
        post::read(self.content_type.as_deref(), &self.body).map(|(message, _)| message.operation)
    }

    /// The code and the id of an answer to a submission, which it must be.
    pub(super) fn submitted(&self) -> (u16, Option<String>) {
        match self.operation().unwrap() {
            Operation::SubmitRsp(answer) => (answer.status.code.0, answer.message_id),
            other => panic!("not the answer to a submission: {other:?}"),
        }
    }
}

/// A submission to this number that wants a report.
pub(super) fn request(recipient: &str, id: &str) -> Message {
    let recipients = Recipients { to: vec![Address::Number(recipient.to_owned())], ..Recipients::default() };
    let request = SubmitReq {
        sender_address: Some(Address::Number("+18005559876".to_owned())),
        recipients,
        delivery_report: Some(true),
        subject: Some("secret subject".to_owned()),
        content: Some(Content { id: "content".to_owned(), allow_adaptations: None }),
        ..SubmitReq::default()
    };
    Message {
        dialect: Dialect::default(),
        transaction_id: id.to_owned(),
        operation: Operation::SubmitReq(Box::new(request)),
    }
}

/// Submits to this number; `None` when the connection ends without an answer.
pub(super) async fn submit(mmsc: &Mmsc, recipient: &str, id: &str) -> Option<Answer> {
    send(mmsc, &request(recipient, id)).await
}

pub(super) async fn send(mmsc: &Mmsc, message: &Message) -> Option<Answer> {
    let post = post::write(message, &support::content());
    exchange(mmsc, "POST", "", &post.content_type, &post.body).await
}

/// One request with these further header lines.
pub(super) async fn exchange(
    mmsc: &Mmsc,
    method: &str,
    headers: &str,
    content_type: &str,
    body: &[u8],
) -> Option<Answer> {
    let mut stream = within("a connection", TcpStream::connect(mmsc.mm7_address())).await.unwrap();
    let head = format!(
        "{method} /mm7 HTTP/1.1\r\nHost: mmsc\r\nConnection: close\r\n{headers}Content-Type: \
         {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    // It may be cut while this is written; whether there is an answer shows then.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body).await;
    read(&mut BufStream::new(stream)).await.map(|(line, content_type, body)| {
        let http = line.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { http, content_type, body }
    })
}

/// The first line, the type and the body of an HTTP message; `None` when there is none.
async fn read(stream: &mut BufStream<TcpStream>) -> Option<(String, Option<String>, Vec<u8>)> {
    let (mut first, mut content_type, mut length) = (String::new(), None, 0);
    within("a line", stream.read_line(&mut first)).await.ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        within("a line", stream.read_line(&mut line)).await.ok().filter(|read| *read > 0)?;
        match line.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-type") => content_type = Some(value.to_owned()),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                first = format!("{} {value}", first.trim_end());
            }
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    within("a body", stream.read_exact(&mut body)).await.ok()?;
    Some((first, content_type, body))
}

/// What the listener says to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// An answer with this code.
    Answer(u16),
    /// A status of HTTP and nothing else.
    Http(u16),
    /// Nothing: the connection is cut.
    Cut,
}

/// A report as the listener got it.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) request_line: String,
    pub(super) message: Message,
    pub(super) report: DeliveryReportReq,
}

/// The VASP's listener.
pub(super) struct Listener {
    address: SocketAddr,
    reports: mpsc::UnboundedReceiver<Report>,
}

impl Listener {
    /// Follows the script, and then takes everything.
    pub(super) async fn start(script: &[Script]) -> Self {
        let listener = TcpListener::bind(support::anywhere()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(script.iter().copied().collect::<VecDeque<_>>()));
        let (sender, reports) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&script), sender.clone()));
            }
        });
        Self { address, reports }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/mm7?a=b", self.address)
    }

    /// The next report.
    pub(super) async fn report(&mut self) -> Report {
        within("a report from the MMSC", self.reports.recv()).await.unwrap()
    }
}

async fn serve(
    stream: TcpStream,
    script: Arc<Mutex<VecDeque<Script>>>,
    reports: mpsc::UnboundedSender<Report>,
) -> Option<()> {
    let mut stream = BufStream::new(stream);
    let (request_line, content_type, body) = read(&mut stream).await?;
    let (message, _) = post::read(content_type.as_deref(), &body).unwrap();
    let Operation::DeliveryReportReq(report) = &message.operation else { panic!("not a report: {message:?}") };
    let step = script.lock().unwrap().pop_front().unwrap_or(Script::Answer(1000));
    reports.send(Report { request_line, report: (**report).clone(), message: message.clone() }).ok()?;
    let (http, post) = match step {
        Script::Answer(code) => {
            (200, post::write(&message.answer(Operation::DeliveryReportRsp(Status::new(StatusCode(code)))), &[]))
        }
        Script::Http(code) => (code, post::Post { content_type: "text/plain".to_owned(), body: Vec::new() }),
        Script::Cut => return None,
    };
    let head = format!(
        "HTTP/1.1 {http} So\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        post.content_type,
        post.body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&post.body).await.ok()?;
    stream.flush().await.ok()
}
