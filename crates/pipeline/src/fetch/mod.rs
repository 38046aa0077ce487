//! Fetching what a client points us to, without being pointed at ourselves.
//!
//! In go an owner and a URL; out come media that are whole, small enough and of a type that may be sent, or why not. On the way are a place (`places`), the rules of a
//! [`url`], its name ([`resolve`]), the judgement ([`guard`]) of every [`address`], a request ([`client`]) over a connection of our own (`connection`), and the [`kind`] of the
//! bytes, which are [whole](kind::judge) or nothing. `docs/decisions/media-fetch.md` says why it is made so.

pub mod address;
pub mod client;
mod connection;
pub mod guard;
pub mod kind;
mod places;
pub mod resolve;
pub mod url;
mod whole;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Method, StatusCode};
use model::error::{ErrorCode, Refusal};
use model::media::MEDIA_BYTES_MAX;
use model::{Media, Owner};

use client::{Ask, ClientError, GuardedClient};
pub use connection::Trust;
use guard::{Guard, GuardSettings};
use kind::NotMedia;
pub use places::PLACE_TIMEOUT;
use places::{Holding, Places};
use resolve::Resolve;

/// How many redirects are followed.
pub const REDIRECTS_MAX: usize = 3;

/// How media are fetched.
#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// Which URLs may be asked for.
    pub guard: GuardSettings,
    /// How long a fetch may take, the wait for a place apart.
    pub timeout: Duration,
    /// Fetches of one account at once, of its live keys and of its test keys each.
    pub fetches_per_account: usize,
    /// Fetches at once.
    pub fetches_max: usize,
    /// Whose certificates are believed.
    pub trust: Trust,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self { guard: GuardSettings::default(), timeout: Duration::from_secs(10), fetches_per_account: 8, fetches_max: 64, trust: Trust::Machine }
    }
}

/// Why media were not fetched. The text is for the log; a client learns the code alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// 33018: the URL, or where it redirects to, breaks a rule.
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
}

impl Fetcher {
    /// A fetcher of these settings.
    ///
    /// # Errors
    /// TLS cannot be set up: a mistake in how this was built.
    pub fn new(settings: FetchSettings, resolver: Arc<dyn Resolve>) -> Result<Self, rustls::Error> {
        let client = GuardedClient::new(Guard::new(&settings.guard), settings.trust)?;
        let places = Places::new(settings.fetches_per_account, settings.fetches_max);
        Ok(Self { client, resolver, places, timeout: settings.timeout })
    }

    /// Fetches what `url` points to, for `owner`. Returns within the time-out of the settings and [`PLACE_TIMEOUT`].
    ///
    /// # Errors
    /// Why not, named by the code that a client gets.
    pub async fn fetch(&self, owner: Owner, url: &str) -> Result<Media, FetchError> {
        // What its text alone forbids needs no place, and is told however busy we are.
        self.client.guard().read(url, None).map_err(|denial| FetchError::NotAllowed(denial.to_string()))?;
        let place = self.places.take(owner).await.map_err(FetchError::Crowded)?;
        let resolver = Holding { resolver: Arc::clone(&self.resolver), place: Arc::new(place) };
        let (claimed, bytes) = match tokio::time::timeout(self.timeout, self.get(url, &resolver)).await {
            Ok(got) => got?,
            Err(_) => return Err(FetchError::Failed(format!("it took longer than {} ms", self.timeout.as_millis()))),
        };
        let kind = kind::judge(&bytes, claimed.as_deref())?;
        Ok(Media { kind, bytes })
    }

    /// The claimed type of what `url` points to, and its bytes.
    async fn get(&self, url: &str, resolver: &Holding) -> Result<(Option<String>, Bytes), ClientError> {
        let ask = Ask { method: Method::GET, headers: HeaderMap::new(), body: Bytes::new(), redirects_max: REDIRECTS_MAX };
        let answer = self.client.ask(url, &ask, resolver).await?;
        if answer.status != StatusCode::OK {
            return Err(ClientError::Failed(format!("the server answered {}", answer.status.as_u16())));
        }
        let claimed = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok((claimed, answer.read(MEDIA_BYTES_MAX).await?))
    }
}
