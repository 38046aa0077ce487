//! Media: one use of the guarded client, a GET with limits.
//!
//! In go an owner and a URL; out come media that are whole, small enough and of a type that may be sent, or the reason
//! why not. A fetch takes a place (`places`), asks by the [client](crate::client), and judges the [`kind`] of the
//! bytes, which are [whole](kind::judge) or refused.

pub mod kind;
mod places;
mod whole;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use model::error::{ErrorCode, Refusal};
use model::media::MEDIA_BYTES_MAX;
use model::{Media, MediaType, Owner};
use runtime::Runtime;

use crate::client::{Ask, ClientError, GuardedClient, UserAgent};
use crate::connection::{SOCKETS_MAX, Trust};
use crate::guard::{Guard, GuardSettings};
use crate::resolve::Resolve;
use kind::NotMedia;
pub use places::PLACE_TIMEOUT;
use places::{Holding, Places};

/// How many redirects are followed.
pub const REDIRECTS_MAX: usize = 3;

/// The most files that one fetch has open: the client's sockets, and the file in which the media are kept.
pub const FILES_MAX: usize = SOCKETS_MAX + 1;

/// How media are fetched.
#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// The URLs that may be fetched.
    pub guard: GuardSettings,
    /// How long a fetch may take, the wait for a place apart. A server may use all of it for any step.
    pub timeout: Duration,
    /// Fetches of one account at once, of its live keys and of its test keys each.
    pub fetches_per_account: usize,
    /// Fetches at once.
    pub fetches_max: usize,
    /// The certificates that are trusted.
    pub trust: Trust,
    /// Who we say we are.
    pub user_agent: UserAgent,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            guard: GuardSettings::default(),
            timeout: Duration::from_secs(10),
            fetches_per_account: 8,
            fetches_max: 64,
            trust: Trust::Machine,
            user_agent: UserAgent::default(),
        }
    }
}

/// Why media were not fetched. The text is for the log; a client learns the code alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// 33018: the URL, or the place that it redirects to, breaks a rule.
    #[error("{0}")]
    NotAllowed(String),
    /// 33017: they did not come, or not whole.
    #[error("{0}")]
    Failed(String),
    /// 33017: too many others are fetched, of this account or in all.
    #[error("{0}")]
    Crowded(&'static str),
    /// 33014: there are more than [`MEDIA_BYTES_MAX`] bytes.
    #[error("{0}")]
    TooLarge(String),
    /// 33015: they are of another type.
    #[error("{0}")]
    NotSupported(String),
}

impl FetchError {
    /// What a client is told.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotAllowed(_) => ErrorCode::MediaUrlNotAllowed,
            Self::Failed(_) | Self::Crowded(_) => ErrorCode::MediaUploadFailed,
            Self::TooLarge(_) => ErrorCode::MediaTooLarge,
            Self::NotSupported(_) => ErrorCode::MediaTypeNotSupported,
        }
    }
}

impl From<FetchError> for Refusal {
    fn from(error: FetchError) -> Self {
        Self::new(error.code()).caused_by(error)
    }
}

impl From<ClientError> for FetchError {
    fn from(error: ClientError) -> Self {
        let cause = error.to_string();
        match error {
            ClientError::Denied(_) => Self::NotAllowed(cause),
            ClientError::Failed(_) => Self::Failed(cause),
            ClientError::TooLarge(_) => Self::TooLarge(cause),
        }
    }
}

impl From<NotMedia> for FetchError {
    fn from(error: NotMedia) -> Self {
        let cause = error.to_string();
        match error {
            NotMedia::Unsupported(_) => Self::NotSupported(cause),
            NotMedia::Empty | NotMedia::Broken(..) => Self::Failed(cause),
        }
    }
}

/// Fetches media.
pub struct Fetcher {
    client: GuardedClient,
    resolver: Arc<dyn Resolve>,
    places: Arc<Places>,
    timeout: Duration,
    runtime: Arc<dyn Runtime>,
}

impl Fetcher {
    /// A fetcher of these settings.
    ///
    /// # Errors
    /// TLS cannot be set up: a mistake in how this was built.
    pub fn new(
        settings: FetchSettings,
        resolver: Arc<dyn Resolve>,
        runtime: Arc<dyn Runtime>,
    ) -> Result<Self, rustls::Error> {
        let client =
            GuardedClient::new(Guard::new(&settings.guard), settings.trust, settings.user_agent, Arc::clone(&runtime))?;
        let places = Places::new(settings.fetches_per_account, settings.fetches_max);
        Ok(Self { client, resolver, places, timeout: settings.timeout, runtime })
    }

    /// Fetches what `url` points to, for `owner`. Returns within the time-out of the settings and [`PLACE_TIMEOUT`].
    ///
    /// # Errors
    /// Why not, named by the code that a client gets.
    pub async fn fetch(&self, owner: Owner, url: &str) -> Result<Media, FetchError> {
        // What its text alone forbids needs no place, and is told however busy we are.
        self.client.guard().read(url, None).map_err(|denial| FetchError::NotAllowed(denial.to_string()))?;
        let place = self.places.take(owner, &self.runtime).await.map_err(FetchError::Crowded)?;
        let resolver = Holding {
            resolver: Arc::clone(&self.resolver),
            place: Arc::new(place),
            runtime: Arc::clone(&self.runtime),
        };
        let got = self.get(url, &resolver).await?;
        match kind::judge(&got.bytes, got.claimed.as_deref()) {
            Ok(kind) => Ok(Media { kind, bytes: got.bytes }),
            // What the octets are is not known while they are packed.
            Err(NotMedia::Unsupported(_)) if got.encoding.is_some() => Err(FetchError::Failed(format!(
                "the body is encoded ({}), which was not asked for",
                got.encoding.unwrap_or_default()
            ))),
            Err(error) => Err(error.into()),
        }
    }

    async fn get(&self, url: &str, resolver: &Holding) -> Result<Got, ClientError> {
        let headers = HeaderMap::from_iter([(ACCEPT, accepted())]);
        let ask = Ask {
            method: Method::GET,
            headers,
            body: Bytes::new(),
            redirects_max: REDIRECTS_MAX,
            deadline: self.runtime.instant() + self.timeout,
        };
        let answer = self.client.ask(url, &ask, resolver).await?;
        let (status, headers) = (answer.status, answer.headers.clone());
        if !matches!(status, StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION | StatusCode::PARTIAL_CONTENT) {
            return Err(ClientError::Failed(format!("the server answered {}", status.as_u16())));
        }
        let bytes = answer.read(MEDIA_BYTES_MAX).await?;
        if status == StatusCode::PARTIAL_CONTENT && !is_whole_range(&headers, bytes.len()) {
            return Err(ClientError::Failed("the server answered 206, with a part of it".to_owned()));
        }
        let claimed = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Got { claimed, encoding: encoding(&headers), bytes })
    }
}

/// What a server gave us.
struct Got {
    /// The type that it claims.
    claimed: Option<String>,
    /// The encoding that it claims, where it names one.
    encoding: Option<String>,
    bytes: Bytes,
}

/// The types that are taken, and anything else rather than nothing: servers that choose by `Accept` may have nothing
/// else to choose from.
fn accepted() -> HeaderValue {
    let types: String = MediaType::ALL.iter().map(|kind| format!("{kind}, ")).collect();
    HeaderValue::try_from(format!("{types}*/*;q=0.1")).unwrap_or(HeaderValue::from_static("*/*"))
}

/// What `Content-Encoding` names, for the log. It is often wrong, as in stores that keep how an object was uploaded
/// (`aws-chunked`), so that the octets decide and not it.
fn encoding(headers: &HeaderMap) -> Option<String> {
    const CHARACTERS_MAX: usize = 40;
    let text: Vec<_> =
        headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let text = text.join(",");
    let is_named =
        text.split(',').map(str::trim).any(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
    is_named.then(|| text.chars().filter(|character| !character.is_control()).take(CHARACTERS_MAX).collect())
}

/// Whether a range, which was not asked for, is all that there is.
fn is_whole_range(headers: &HeaderMap, length: usize) -> bool {
    let whole = format!("bytes 0-{}/{length}", length.saturating_sub(1));
    headers.get(CONTENT_RANGE).is_some_and(|range| range.as_bytes().trim_ascii().eq_ignore_ascii_case(whole.as_bytes()))
}
