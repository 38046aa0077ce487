//! Reports and messages of handsets to the VASP: one HTTP request each.

use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use wire::mm7::{self, Malformed, Message, Operation, StatusCode, post};
use wire::mms::Part;

use crate::mmsc::notice::{Heard, Parcel, Verdict, known};
use crate::mmsc::{Options, Shared};

/// How long the other side may take for one report.
const POST_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 65_536;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A report. It is sent until the answer says 1000, or another success.
impl Parcel for Box<Message> {
    async fn send(&self, shared: &Shared) -> Heard {
        posted(shared, self, &[], |_| Verdict::TryAgain).await
    }

    async fn addressed(&self, shared: &Shared) {
        known(&shared.report_to).await;
    }
}

/// A message of a handset, and its parts.
pub(crate) struct Delivered {
    pub(crate) message: Box<Message>,
    pub(crate) parts: Vec<Part>,
}

/// It is sent until the answer says success, or that it will never be taken.
impl Parcel for Delivered {
    async fn send(&self, shared: &Shared) -> Heard {
        let verdict = |code: StatusCode| match code.verdict() {
            mm7::Verdict::Refused(_) => Verdict::GiveUp,
            _ => Verdict::TryAgain,
        };
        posted(shared, &self.message, &self.parts, verdict).await
    }

    async fn addressed(&self, shared: &Shared) {
        known(&shared.report_to).await;
    }
}

/// Sends something once. `failed` says what follows from a code that is no success.
async fn posted(
    shared: &Shared,
    message: &Message,
    parts: &[Part],
    failed: impl FnOnce(StatusCode) -> Verdict,
) -> Heard {
    let again = |reply: &str| Heard { verdict: Verdict::TryAgain, reply: reply.to_owned() };
    let Some(url) = shared.report_to.borrow().clone() else { return again("no address") };
    match shared.runtime.timeout(POST_TIMEOUT, exchange(&shared.options, &url, message, parts)).await {
        Ok(Ok(reply)) => {
            let verdict = match reply.parse().map(StatusCode) {
                Ok(code) if code.class() == StatusCode::SUCCESS.0 => Verdict::Taken,
                Ok(code) => failed(code),
                Err(_) => Verdict::TryAgain,
            };
            Heard { verdict, reply }
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "Cannot report to {url}: {error}");
            let is_refused =
                error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
            again(if is_refused { "unreachable" } else { "broken" })
        }
        Err(_) => again("silence"),
    }
}

/// The status of the answer, or in what way it has none.
async fn exchange(options: &Options, url: &hyper::Uri, message: &Message, parts: &[Part]) -> Result<String, Failure> {
    let authority = url.authority().ok_or("the URL has no host")?;
    let stream =
        TcpStream::connect((authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80))).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let post = post::write(message, parts);
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path)
        .header(HOST, authority.as_str())
        .header(CONNECTION, "close")
        .header(CONTENT_TYPE, post.content_type)
        .header("SOAPAction", "\"\"");
    if let Some(user) = &options.report_user {
        let password = options.report_password.as_deref().unwrap_or_default();
        request = request.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
    }
    let request = request.body(Full::new(Bytes::from(post.body)))?;
    let answer = async {
        let answer = sender.send_request(request).await?;
        let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await?.to_bytes();
        Ok::<_, Failure>(said(status.as_u16(), &post::read(content_type.as_deref(), &body)))
    };
    tokio::pin!(answer);
    tokio::select! {
        said = &mut answer => said,
        ended = connection => {
            ended?;
            answer.await
        }
    }
}

/// What an answer comes down to: the code of MM7, or `http-503` and the like where it has none.
fn said(http: u16, answer: &Result<(Message, Vec<Part>), Malformed>) -> String {
    match answer.as_ref().map(|(message, _)| &message.operation) {
        Ok(Operation::DeliveryReportRsp(status)) => status.code.0.to_string(),
        Ok(Operation::DeliverRsp(answer)) => answer.status.code.0.to_string(),
        Ok(Operation::Fault(fault)) => format!("fault-{}", fault.code().0),
        Ok(_) => "another operation".to_owned(),
        Err(Malformed::Blank) if http == 200 => "blank".to_owned(),
        Err(_) if http == 200 => "garbage".to_owned(),
        Err(_) => format!("http-{http}"),
    }
}
