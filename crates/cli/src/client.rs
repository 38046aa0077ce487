//! An HTTP client for the APIs of the platform: plain HTTP/1.1, one request on a connection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use axum::http::{Method, Request, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::refusal::refused;
use super::{Failed, machine};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The heading of the options that most commands have.
pub(super) const COMMON: &str = "Common options";

/// The address of the admin API, and the token for it.
#[derive(Debug, clap::Args)]
pub(super) struct Door {
    /// The address of the admin API
    #[arg(
        long,
        global = true,
        help_heading = COMMON,
        env = "SMSFACTORY_ADMIN_URL",
        default_value = "http://127.0.0.1:8081"
    )]
    url: Uri,
    /// A file with the admin token; by default `SMSFACTORY_ADMIN_TOKEN`, or the token of `dev` in ./data
    #[arg(long, global = true, help_heading = COMMON, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long, global = true, help_heading = COMMON)]
    pub(super) json: bool,
}

/// The address of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// The address of the API.
    pub(super) url: &'a Uri,
    /// The option that names another address; `None` if there is no such option.
    pub(super) option: Option<&'static str>,
}

impl Door {
    /// The address of the admin API.
    pub(super) const fn url(&self) -> &Uri {
        &self.url
    }

    /// Asks the admin API.
    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failed> {
        self.send(method, path, body.map(Value::to_string).unwrap_or_default()).await
    }

    /// Asks the admin API with a body as it stands.
    pub(super) async fn send(&self, method: Method, path: &str, body: String) -> Result<Value, Failed> {
        let bearer = format!("Bearer {}", self.token()?);
        let target = Target { url: &self.url, option: Some("--url") };
        let answer = exchange(target, &method, &format!("/admin/v1{path}"), &bearer, body).await?;
        if answer.status.is_success() { Ok(answer.body) } else { Err(refused(answer.status, &answer.body)) }
    }

    fn token(&self) -> Result<String, Failed> {
        if let Some(file) = &self.token_file {
            return read(file);
        }
        match std::env::var("SMSFACTORY_ADMIN_TOKEN") {
            Ok(token) => Ok(token),
            Err(_) => read(&super::place::token_file())
                .map_err(|_| Failed::new("there is no admin token: set SMSFACTORY_ADMIN_TOKEN or give --token-file")),
        }
    }
}

pub(super) fn read(file: &Path) -> Result<String, Failed> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failed::new(format!("cannot read {}: {error}", file.display())))?;
    Ok(text.trim_end().to_owned())
}

impl Target<'_> {
    fn unreachable(&self, error: &std::io::Error) -> Failed {
        Failed::new(format!("cannot reach {}: {error}{}", self.url, self.hint()))
    }

    /// The next step of a person whose request did not reach a server.
    fn hint(&self) -> String {
        match self.option {
            Some(option) => format!("; is the server running? `{option}` names another address"),
            None => String::new(),
        }
    }
}

/// One request, and its answer as JSON; null if it has no body.
pub(super) async fn request(
    url: &Uri,
    method: &Method,
    path: &str,
    authorization: &str,
    body: Option<&Value>,
) -> Result<(StatusCode, Value), Failed> {
    let target = Target { url, option: None };
    let answer = exchange(target, method, path, authorization, body.map(Value::to_string).unwrap_or_default()).await?;
    Ok((answer.status, answer.body))
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The wait before another request, if the answer names one.
    pub(super) retry_after: Option<Duration>,
    /// JSON; null if there is no body.
    pub(super) body: Value,
}

/// One request with a body as it stands, and its answer.
pub(super) async fn exchange(
    target: Target<'_>,
    method: &Method,
    path: &str,
    authorization: &str,
    text: String,
) -> Result<Answer, Failed> {
    let (status, retry_after, bytes) = raw(target, method, path, authorization, text).await?;
    if bytes.is_empty() {
        return Ok(Answer { status, retry_after, body: Value::Null });
    }
    let strange = |_| Failed::new(format!("{} does not answer as smsfactory does{}", target.url, target.hint()));
    let body = serde_json::from_slice(&bytes).map_err(strange)?;
    Ok(Answer { status, retry_after, body })
}

/// One request with a body as it stands, and the body of its answer as it stands.
pub(super) async fn exchange_raw(
    target: Target<'_>,
    method: &Method,
    path: &str,
    authorization: &str,
    text: String,
) -> Result<(StatusCode, Bytes), Failed> {
    raw(target, method, path, authorization, text).await.map(|(status, _, bytes)| (status, bytes))
}

async fn raw(
    target: Target<'_>,
    method: &Method,
    path: &str,
    authorization: &str,
    text: String,
) -> Result<(StatusCode, Option<Duration>, Bytes), Failed> {
    let url = target.url;
    let authority = url.authority().filter(|_| url.scheme_str() == Some("http"));
    let authority = authority
        .ok_or_else(|| Failed::new(format!("`{url}` is not a plain HTTP address such as http://127.0.0.1:8081")))?;
    let address = (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
    let exchange = async {
        let stream = TcpStream::connect(address).await.map_err(|error| target.unreachable(&error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Failed::new)?;
        // It ends with the answer; what goes wrong before, the answer tells.
        machine().spawn("connection", Box::pin(async move { drop(connection.await) }));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, authority.as_str())
            .header(USER_AGENT, server::admin::CLI)
            .header(AUTHORIZATION, authorization);
        let request =
            request.header(CONTENT_TYPE, "application/json").body(Full::new(Bytes::from(text))).map_err(Failed::new)?;
        let response = sender.send_request(request).await.map_err(Failed::new)?;
        let status = response.status();
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = seconds.map(Duration::from_secs);
        let bytes = response.into_body().collect().await.map_err(Failed::new)?.to_bytes();
        Ok((status, retry_after, bytes))
    };
    machine()
        .timeout(TIMEOUT, exchange)
        .await
        .unwrap_or_else(|_| Err(Failed::new(format!("{url} did not answer within {} s", TIMEOUT.as_secs()))))
}

/// A part of a path or a query, escaped.
pub(super) fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A query of those parameters that are given.
pub(super) fn query(parameters: &[(&str, Option<String>)]) -> String {
    let given =
        parameters.iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={}", escaped(value))));
    let text = given.collect::<Vec<_>>().join("&");
    if text.is_empty() { text } else { format!("?{text}") }
}
