//! The HTTP server that a VASP submits to.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode as HttpStatus};
use hyper_util::rt::TokioIo;
use net::Timer;
use tokio::sync::oneshot;
use wire::mm7::{Address, Fault, FaultKind, Message, Operation, Status, StatusCode, SubmitReq, SubmitRsp, post};
use wire::mms::Part;

use super::reports::{self, About};
use crate::mmsc::fate;
use crate::mmsc::rule::Subject;
use crate::mmsc::screens::Screens;
use crate::mmsc::{Content, Mm7Reply, Options, Protocol, Shared, Taken};
use crate::sessions::Stream;

/// How long a connection may idle, and a head may take.
const IDLE: Duration = Duration::from_secs(300);

/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

type Answer = Response<Whole>;

/// The connection is to be cut without an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut, as the options say")]
struct Cut;

/// Serves a connection until it ends.
pub(crate) async fn serve(stream: Stream, shared: Arc<Shared>, number: u64) {
    let mut stopped = shared.sessions.stopped();
    shared.journal.count(|summary| {
        summary.mm7_sessions += 1;
        summary.mm7_open += 1;
    });
    let service = service_fn(|request| answer(&shared, number, request));
    let mut builder = hyper::server::conn::http1::Builder::new();
    let served = builder
        .timer(Timer::new(Arc::clone(&shared.runtime)))
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = served => if let Err(error) = ended {
            tracing::debug!(%error, "MM7 session {number} ended: {error}");
        },
        () = crate::sessions::told_to_end(&mut stopped, number) => {}
    }
    shared.journal.count(|summary| summary.mm7_open -= 1);
}

async fn answer(shared: &Arc<Shared>, session: u64, request: Request<Incoming>) -> Result<Answer, Cut> {
    let options = &shared.options;
    if options.silent {
        return std::future::pending().await;
    }
    if !is_let_in(options, request.headers()) {
        shared.refuse(Protocol::Mm7, session, None, "http-401");
        let mut answer = http(HttpStatus::UNAUTHORIZED);
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"mm7\""));
        return Ok(answer);
    }
    if request.method() != Method::POST {
        return Ok(http(HttpStatus::METHOD_NOT_ALLOWED));
    }
    let number = shared.mm7_number.fetch_add(1, Ordering::SeqCst);
    // Who the recipient is stands in what is not read yet; the dice are the same later.
    let early = fate::decide(options, &options.mm7_reply, Subject { number, recipient: "" });
    if early.reply == Some(Mm7Reply::CloseBefore) {
        shared.refuse(Protocol::Mm7, session, None, &Mm7Reply::CloseBefore.name());
        return Err(Cut);
    }
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = Limited::new(request.into_body(), options.message_bytes_max).collect();
    let Ok(body) = shared.runtime.timeout(BODY_TIMEOUT, body).await else {
        shared.refuse(Protocol::Mm7, session, None, "http-408");
        return Ok(http(HttpStatus::REQUEST_TIMEOUT));
    };
    let Ok(body) = body else {
        shared.refuse(Protocol::Mm7, session, None, "http-413");
        return Ok(http(HttpStatus::PAYLOAD_TOO_LARGE));
    };
    match post::read(content_type.as_deref(), &body.to_bytes()) {
        Ok((message, parts)) => match &message.operation {
            Operation::SubmitReq(request) => {
                submission(shared, Submission { session, number, message: &message, request, parts: &parts }).await
            }
            _ => Ok(fault(&message, StatusCode::UNSUPPORTED_OPERATION)),
        },
        Err(error) => {
            shared.journal.count(|summary| summary.malformed += 1);
            shared.refuse(Protocol::Mm7, session, None, &format!("fault-{}", error.status().0));
            let nothing = Message {
                dialect: wire::mm7::Dialect::default(),
                transaction_id: String::new(),
                operation: Operation::Other(String::new()),
            };
            Ok(fault(&nothing, error.status()))
        }
    }
}

/// A submission as it came.
struct Submission<'a> {
    session: u64,
    number: u64,
    message: &'a Message,
    request: &'a SubmitReq,
    parts: &'a [Part],
}

async fn submission(shared: &Arc<Shared>, came: Submission<'_>) -> Result<Answer, Cut> {
    let recipients: Vec<String> = reports::recipients(came.request).map(plain).collect();
    let mut screens = Screens::default();
    let subject = Subject { number: came.number, recipient: recipients.first().map_or("", String::as_str) };
    let fate = fate::decide(&shared.options, &shared.options.mm7_reply, subject);
    let reply = fate.reply.unwrap_or(Mm7Reply::Status(StatusCode::SUCCESS));
    let message_id = shared.next_id.fetch_add(1, Ordering::Relaxed).to_string();
    if reply.keeps() {
        let (content, media) = Content::of(came.parts);
        let taken = Taken {
            protocol: Protocol::Mm7,
            session: came.session,
            number: came.number,
            transaction_id: came.message.transaction_id.clone(),
            message_id: message_id.clone(),
            from: came.request.sender_address.as_ref().map(plain),
            to: recipients.clone(),
            subject: came.request.subject.clone(),
            wants_report: came.request.delivery_report == Some(true),
            content,
        };
        shared.take(taken, &media, &reply.name()).await;
        screens = shared.show_submission(came.request, came.message, (came.number, &recipients), came.parts);
    } else {
        shared.refuse(Protocol::Mm7, came.session, None, &reply.name());
    }
    let about = About { message: came.message, request: came.request, message_id: &message_id, number: came.number };
    let held = if reply.keeps() { reports::held(&about, &screens) } else { Vec::new() };
    let mut reports = if reply.keeps() { reports::of(shared, &about, &screens) } else { Vec::new() };
    if fate.report_first {
        reports = reports::offer(shared, reports).await;
    }
    // Whoever goes before the answer is written gets the reports all the same: the message is kept.
    let (written, is_written) = oneshot::channel();
    reports::send(shared, reports, held, is_written);
    shared.runtime.sleep(fate.reply_in).await;
    let written = (reply != Mm7Reply::Silence).then_some(written);
    let answer = said(reply, came.message, message_id).await?;
    Ok(answer.map(|body| Whole { _written: written, ..body }))
}

/// What a reply looks like.
async fn said(reply: Mm7Reply, message: &Message, message_id: String) -> Result<Answer, Cut> {
    Ok(match reply {
        Mm7Reply::Status(code) => {
            let message_id = (code.class() == StatusCode::SUCCESS.0).then_some(message_id);
            envelope(
                HttpStatus::OK,
                &message.answer(Operation::SubmitRsp(SubmitRsp { status: Status::new(code), message_id })),
            )
        }
        Mm7Reply::Fault(code) => fault(message, code),
        Mm7Reply::Http(code) => http(HttpStatus::from_u16(code).unwrap_or(HttpStatus::INTERNAL_SERVER_ERROR)),
        Mm7Reply::Blank => http(HttpStatus::OK),
        Mm7Reply::Garbage => with_body(HttpStatus::OK, "text/html", b"<!doctype html><p>It works!".to_vec()),
        Mm7Reply::CloseBefore | Mm7Reply::CloseAfter => return Err(Cut),
        Mm7Reply::Silence => std::future::pending().await,
    })
}

/// A fault goes with status 500 (SOAP 1.1, 6.2).
fn fault(message: &Message, code: StatusCode) -> Answer {
    envelope(
        HttpStatus::INTERNAL_SERVER_ERROR,
        &message.answer(Operation::Fault(Fault::new(FaultKind::RelayServer, Status::new(code)))),
    )
}

fn envelope(status: HttpStatus, message: &Message) -> Answer {
    let post = post::write(message, &[]);
    with_body(status, &post.content_type, post.body)
}

fn with_body(status: HttpStatus, content_type: &str, body: Vec<u8>) -> Answer {
    let mut answer = http(status);
    if let Ok(value) = HeaderValue::from_str(content_type) {
        answer.headers_mut().insert(CONTENT_TYPE, value);
    }
    answer.map(|_| Whole { octets: Full::from(body), _written: None })
}

fn http(status: HttpStatus) -> Answer {
    let mut answer = Response::new(Whole { octets: Full::default(), _written: None });
    *answer.status_mut() = status;
    answer
}

fn is_let_in(options: &Options, headers: &HeaderMap) -> bool {
    let Some(user) = &options.mm7_user else { return true };
    let password = options.mm7_password.as_deref().unwrap_or_default();
    let wanted = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    headers.get(AUTHORIZATION).is_some_and(|given| given.as_bytes() == wanted.as_bytes())
}

/// An address for the log.
fn plain(address: &Address) -> String {
    address.digits().unwrap_or_else(|| address.text().to_owned())
}

/// A body that tells when it was handed over to be written, by dropping its sender.
struct Whole {
    octets: Full<Bytes>,
    _written: Option<oneshot::Sender<()>>,
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.octets).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.octets.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.octets.size_hint()
    }
}
