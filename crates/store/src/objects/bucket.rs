//! Objects in a bucket of a service that speaks S3: AWS, MinIO, SeaweedFS, Ceph and others.
//!
//! A request that got no answer, or one that says that the service cannot now, is made again: all of them may be
//! repeated, since a name is used once and has the same bytes each time.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, RANGE};
use hyper::{Method, Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use runtime::Runtime;
use rusty_s3::actions::{ListObjectsV2, S3Action};
use rusty_s3::{Credentials, UrlStyle};
use url::Url;

use super::Objects;
use ledger::StoreError;

/// How long a signature counts. Services refuse a clock that is further off than a quarter of an hour.
const SIGNED_FOR: Duration = Duration::from_secs(300);

/// How long a request may take, with its body and all its tries: a client waits for it.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// How often a request is made at most.
const TRIES: u32 = 3;

/// How long the second try waits; each later one waits twice as long.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// The most octets of an answer. The largest object is a file of a handset, of a few megabytes.
const ANSWER_MAX: usize = 64 << 20;

/// The most octets of an error that are kept.
const ERROR_MAX: usize = 512;

/// The name that a trial writes. No object has it: theirs begin with a digest.
const PROBE: &str = "probe";

/// The address of a bucket, and the key that opens it.
#[derive(Clone)]
pub struct BucketSettings {
    /// `s3://` and the bucket, perhaps with a path, which the names of all objects then begin with.
    pub url: String,
    /// The address of the service, `http://` or `https://`; that of AWS in the region where it is empty.
    pub endpoint: String,
    /// The region. Most services other than AWS take any.
    pub region: String,
    /// The name of the access key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

impl fmt::Debug for BucketSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, endpoint, region, access_key, secret_key: _ } = self;
        f.debug_struct("BucketSettings")
            .field("url", url)
            .field("endpoint", endpoint)
            .field("region", region)
            .field("access_key", access_key)
            .finish_non_exhaustive()
    }
}

/// Objects in a bucket.
pub struct Bucket {
    bucket: rusty_s3::Bucket,
    credentials: Credentials,
    /// What the names of objects begin with in the bucket: nothing, or a path that ends with a slash.
    prefix: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Arc<dyn Runtime>,
}

/// An answer to a request.
struct Answer {
    status: StatusCode,
    body: Bytes,
}

/// Why there is none that counts.
enum Failure {
    /// It may be otherwise in a moment.
    Passing(String),
    /// It will be the same again.
    Lasting(String),
}

impl Bucket {
    /// The bucket of these settings. Connects to nothing yet.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator where they are not understood.
    pub fn open(settings: &BucketSettings, runtime: Arc<dyn Runtime>) -> Result<Self, StoreError> {
        let (name, prefix) = place_of(&settings.url)?;
        let endpoint = match settings.endpoint.as_str() {
            "" => format!("https://s3.{}.amazonaws.com", settings.region),
            own => own.to_owned(),
        };
        let refused = |why: String| StoreError::Refused(format!("the address of the S3 service {why}"));
        let url: Url = endpoint.parse().map_err(|error| refused(format!("is not understood: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(refused("must be `http://` or `https://` and a host".to_owned()));
        }
        // Services beside AWS are reached by one name, and have no name for each bucket.
        let style = if settings.endpoint.is_empty() { UrlStyle::VirtualHost } else { UrlStyle::Path };
        let bucket = rusty_s3::Bucket::new(url, style, name, settings.region.clone())
            .map_err(|error| refused(format!("is not understood: {error}")))?;
        let credentials = Credentials::new(settings.access_key.clone(), settings.secret_key.clone());
        let client = Client::builder(TokioExecutor::new()).build(connector()?);
        Ok(Self { bucket, credentials, prefix, client, runtime })
    }

    /// Tries whether objects can be kept, read, listed and removed, and leaves everything as it was. What was found, in
    /// a sentence for the operator.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where one of these fails.
    pub async fn check(&self) -> Result<String, StoreError> {
        let refused = |what: &str, error: io::Error| StoreError::Refused(format!("cannot {what} {self}: {error}"));
        self.page(None, 1).await.map_err(|error| refused("list", error))?;
        let bytes = Bytes::from_static(PROBE.as_bytes());
        self.put(PROBE, bytes.clone()).await.map_err(|error| refused("write to", error))?;
        let read = self.get(PROBE).await.map_err(|error| refused("read from", error));
        self.remove(PROBE).await.map_err(|error| refused("remove from", error))?;
        if read? != bytes {
            return Err(refused("read from", io::Error::other("it gave other bytes than were written")));
        }
        Ok(format!("{self} can be written"))
    }

    /// Whether anything is kept under the prefix.
    ///
    /// # Errors
    /// Where it cannot be listed.
    pub async fn holds_objects(&self) -> io::Result<bool> {
        Ok(!self.page(None, 1).await?.0.is_empty())
    }

    /// A part of the names, and how to go on.
    async fn page(&self, after: Option<String>, most: usize) -> io::Result<(Vec<String>, Option<String>)> {
        let mut list = self.bucket.list_objects_v2(Some(&self.credentials));
        list.with_prefix(self.prefix.as_str());
        list.with_max_keys(most);
        if let Some(after) = after {
            list.with_continuation_token(after);
        }
        let answer = self.ask(Method::GET, list.sign(SIGNED_FOR), HeaderMap::new(), Bytes::new()).await?;
        let text = std::str::from_utf8(&answer.body).map_err(io::Error::other)?;
        let listed = ListObjectsV2::parse_response(text)
            .map_err(|error| io::Error::other(format!("the list cannot be read: {error}")))?;
        let name = |key: String| key.strip_prefix(&self.prefix).map(str::to_owned);
        let names = listed.contents.into_iter().filter_map(|object| name(object.key)).collect();
        Ok((names, listed.next_continuation_token))
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The answer to a request that succeeded. [`io::ErrorKind::NotFound`] where the service says so.
    async fn ask(&self, method: Method, url: Url, headers: HeaderMap, body: Bytes) -> io::Result<Answer> {
        let tried = self.tried(method, url, headers, body);
        self.runtime.timeout(REQUEST_MAX, tried).await.unwrap_or_else(|_| {
            let why = format!("the service did not answer within {} s", REQUEST_MAX.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, why))
        })
    }

    async fn tried(&self, method: Method, url: Url, headers: HeaderMap, body: Bytes) -> io::Result<Answer> {
        let mut wait = RETRY_AFTER;
        for attempt in 1.. {
            let answer = match self.once(&method, &url, &headers, &body).await {
                Ok(answer) => answer,
                Err(error) if attempt < TRIES && error.kind() != io::ErrorKind::InvalidInput => {
                    self.wait(&mut wait).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            match judged(answer) {
                Ok(answer) => return Ok(answer),
                Err(Failure::Passing(_)) if attempt < TRIES => self.wait(&mut wait).await,
                Err(Failure::Passing(why)) => return Err(io::Error::other(why)),
                Err(Failure::Lasting(why)) => return Err(io::Error::new(io::ErrorKind::PermissionDenied, why)),
            }
        }
        unreachable!("the last try returns")
    }

    async fn wait(&self, wait: &mut Duration) {
        self.runtime.sleep(*wait).await;
        *wait *= 2;
    }

    async fn once(&self, method: &Method, url: &Url, headers: &HeaderMap, body: &Bytes) -> io::Result<Answer> {
        let mut request = Request::builder().method(method).uri(url.as_str());
        if let Some(own) = request.headers_mut() {
            own.extend(headers.clone());
            if *method == Method::PUT {
                own.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            }
        }
        let request = request
            .body(Full::new(body.clone()))
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let response = self.client.request(request).await.map_err(io::Error::other)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(io::Error::other)?;
        Ok(Answer { status, body: body.to_bytes() })
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = self.bucket.object_url("").origin().ascii_serialization();
        write!(f, "the bucket {} at {service}", self.bucket.name())
    }
}

#[async_trait]
impl Objects for Bucket {
    async fn put(&self, name: &str, bytes: Bytes) -> io::Result<()> {
        let key = self.key(name);
        let url = self.bucket.put_object(Some(&self.credentials), &key).sign(SIGNED_FOR);
        self.ask(Method::PUT, url, HeaderMap::new(), bytes).await.map(drop)
    }

    async fn get(&self, name: &str) -> io::Result<Bytes> {
        let key = self.key(name);
        let url = self.bucket.get_object(Some(&self.credentials), &key).sign(SIGNED_FOR);
        found(self.ask(Method::GET, url, HeaderMap::new(), Bytes::new()).await?)
    }

    async fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Bytes> {
        if length == 0 {
            return Ok(Bytes::new());
        }
        let key = self.key(name);
        let url = self.bucket.get_object(Some(&self.credentials), &key).sign(SIGNED_FOR);
        let last = offset.saturating_add(length as u64 - 1);
        let range = HeaderValue::try_from(format!("bytes={offset}-{last}")).map_err(io::Error::other)?;
        let answer = self.ask(Method::GET, url, HeaderMap::from_iter([(RANGE, range)]), Bytes::new()).await?;
        match answer.status {
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(Bytes::new()),
            StatusCode::PARTIAL_CONTENT => found(answer),
            // The service ignores ranges, as it may (RFC 9110, 14.2).
            _ => {
                let bytes = found(answer)?;
                let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(begin..begin.saturating_add(length).min(bytes.len())))
            }
        }
    }

    async fn remove(&self, name: &str) -> io::Result<()> {
        let key = self.key(name);
        let url = self.bucket.delete_object(Some(&self.credentials), &key).sign(SIGNED_FOR);
        self.ask(Method::DELETE, url, HeaderMap::new(), Bytes::new()).await.map(drop)
    }

    async fn names(&self) -> io::Result<Vec<String>> {
        let (mut names, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.page(after, 1_000).await?;
            names.extend(page);
            if next.is_none() {
                return Ok(names);
            }
            after = next;
        }
    }
}

/// What an answer means. That there is no such object is an answer.
fn judged(answer: Answer) -> Result<Answer, Failure> {
    let status = answer.status;
    if status.is_success() || matches!(status, StatusCode::NOT_FOUND | StatusCode::RANGE_NOT_SATISFIABLE) {
        return if status == StatusCode::NOT_FOUND && is_about_the_bucket(&answer.body) {
            Err(Failure::Lasting(said(&answer)))
        } else {
            Ok(answer)
        };
    }
    let is_passing =
        status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    Err(if is_passing { Failure::Passing(said(&answer)) } else { Failure::Lasting(said(&answer)) })
}

/// Whether the service says that there is no such bucket (Amazon S3 API, error responses).
fn is_about_the_bucket(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("<Code>NoSuchBucket</Code>")
}

/// The service's words: the code and the message of its XML where they are there.
fn said(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(8 * ERROR_MAX)]).into_owned();
    let between = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        rest.split_once(&format!("</{tag}>")).map(|(inner, _)| inner.chars().take(ERROR_MAX).collect::<String>())
    };
    match (between("Code"), between("Message")) {
        (Some(code), Some(message)) => format!("the service answered {}: {code}, {message}", answer.status),
        (Some(code), None) => format!("the service answered {}: {code}", answer.status),
        _ => format!("the service answered {}", answer.status),
    }
}

fn found(answer: Answer) -> io::Result<Bytes> {
    if answer.status == StatusCode::NOT_FOUND {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such object"));
    }
    Ok(answer.body)
}

/// The bucket and the prefix that a URL names.
fn place_of(url: &str) -> Result<(String, String), StoreError> {
    let refused = || {
        StoreError::Refused(format!(
            "`{url}` names no bucket: it must be `s3://` and a bucket, perhaps with a path, such as `s3://media/prod`"
        ))
    };
    let place = url.strip_prefix("s3://").ok_or_else(refused)?;
    let (bucket, path) = place.split_once('/').unwrap_or((place, ""));
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(is_of_name);
    let path = path.trim_end_matches('/');
    let is_step = |step: &str| is_name(step) && !matches!(step, "." | "..");
    if !is_name(bucket) || !path.is_empty() && !path.split('/').all(is_step) {
        return Err(refused());
    }
    Ok((bucket.to_owned(), if path.is_empty() { String::new() } else { format!("{path}/") }))
}

/// Connections over TLS, with the roots of the machine, or without where the address says so.
fn connector() -> Result<HttpsConnector<HttpConnector>, StoreError> {
    let mut roots = rustls::RootCertStore::empty();
    // A root that cannot be read is none.
    let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Refused(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(Duration::from_secs(5)));
    Ok(HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().wrap_connector(http))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_bucket_and_perhaps_a_path() {
        for (url, expected) in [
            ("s3://media", Some(("media", ""))),
            ("s3://media/", Some(("media", ""))),
            ("s3://media/prod", Some(("media", "prod/"))),
            ("s3://media/prod/eu/", Some(("media", "prod/eu/"))),
            ("s3://", None),
            ("s3:///prod", None),
            ("s3://media//prod", None),
            ("s3://media/../x", None),
            ("s3://me@media", None),
            ("s3://media/a b", None),
            ("http://media", None),
        ] {
            let found = place_of(url).ok();
            let expected = expected.map(|(bucket, prefix): (&str, &str)| (bucket.to_owned(), prefix.to_owned()));
            assert_eq!(found, expected, "{url}");
        }
    }

    #[test]
    fn an_answer_is_repeated_only_where_that_can_help() {
        let answer = |status: u16, body: &str| Answer {
            status: StatusCode::from_u16(status).unwrap(),
            body: Bytes::from(body.to_owned()),
        };
        let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        let words = |failure: Result<Answer, Failure>| match failure {
            Ok(answer) => format!("{}", answer.status.as_u16()),
            Err(Failure::Passing(why)) => format!("again: {why}"),
            Err(Failure::Lasting(why)) => format!("never: {why}"),
        };
        for (status, body, expected) in [
            (200, "", "200"),
            (204, "", "204"),
            (404, "<Error><Code>NoSuchKey</Code></Error>", "404"),
            (
                404,
                "<Error><Code>NoSuchBucket</Code></Error>",
                "never: the service answered 404 Not Found: NoSuchBucket",
            ),
            (403, denied, "never: the service answered 403 Forbidden: AccessDenied, no"),
            (
                503,
                "<Error><Code>SlowDown</Code></Error>",
                "again: the service answered 503 Service Unavailable: SlowDown",
            ),
            (500, "\u{1f4a5}", "again: the service answered 500 Internal Server Error"),
            (429, "", "again: the service answered 429 Too Many Requests"),
        ] {
            assert_eq!(words(judged(answer(status, body))), expected);
        }
    }
}
