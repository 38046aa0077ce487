//! The files of inbound messages: to holders of signed links at `/media/…`, to the account's own credentials at
//! `GET /message/{id}/media/{place}`.
//!
//! These files come from strangers. A browser shows only pictures whose content matches their type, and saves
//! everything else. The files are written in pieces, so a slow client occupies a few kilobytes and not a whole file.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Response, Uri};
use bytes::Bytes;
use fetch::media::kind::{NotMedia, judge};
use hyper::body::{Frame, SizeHint};
use model::error::{ErrorCode, Refusal};
use model::limits::RequestKind;
use model::{AccountState, InboundMedia, InboundMessage, MediaType, MessageId};
use pipeline::refusal::refused_by_store;
use pipeline::tenants::Caller;
use store::objects::Objects;

use super::guard::Counted;
use super::{Api, Shared};
use crate::http::log::About;
use crate::http::query::Parameters;

/// The amount of a file that is in memory at once.
const PIECE_BYTES: usize = 64 << 10;

/// A message, and a place among its media, from a path.
type Place = Result<Path<(String, String)>, PathRejection>;

/// To the account's own credentials.
pub(super) async fn of_message(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    place: Place,
) -> Response<Body> {
    let answered = shown(&api, &caller, place).await;
    api.answer(answered)
}

async fn shown(api: &Api, caller: &Caller, place: Place) -> Result<Response<Body>, Refusal> {
    let (id, place) = named(place)?;
    let message = api.pipeline.store().inbound_message(caller.owner(), id).await.map_err(refused_by_store)?;
    file(api, &*message.ok_or(ErrorCode::NotFound)?, place).await
}

/// For the holder of a link. It counts as a read of the account of the message; a forged or expired link is not found.
pub(super) async fn linked(State(api): Shared, place: Place, uri: Uri) -> Response<Body> {
    match counted(&api, place, &uri).await {
        Err(refusal) => api.envelope.refuse(refusal),
        Ok((message, place, counted, passes)) => {
            let answered = match passes {
                Ok(()) => file(&api, &message, place).await,
                Err(refusal) => Err(refusal),
            };
            let mut response = api.answer(answered);
            response.extensions_mut().insert(counted);
            response
        }
    }
}

/// The message of a link that is ours, and whether its account may read that often.
async fn counted(
    api: &Api,
    place: Place,
    uri: &Uri,
) -> Result<(Arc<InboundMessage>, usize, Counted, Result<(), Refusal>), Refusal> {
    let (id, place) = named(place)?;
    let (query, now) = (Parameters::parse(uri.query()), api.runtime.now());
    if !api.links.is_good(id, place, query.get("exp"), query.get("sig"), now) {
        return Err(ErrorCode::NotFound.into());
    }
    let message = api.pipeline.store().inbound_of_any_account(id).await.map_err(refused_by_store)?;
    let message = message.ok_or(ErrorCode::NotFound)?;
    let account = api.pipeline.tenants().account(message.account);
    // What an account may not ask for is not shown to those whom it gave links.
    let account = account.filter(|account| account.state == AccountState::Active).ok_or(ErrorCode::NotFound)?;
    let taken = api.limiter.take(message.owner(), RequestKind::Read, &account.limits, now).await;
    let (standing, passes) = match taken {
        Ok(standing) => (standing, Ok(())),
        Err((standing, refusal)) => (standing, Err(refusal)),
    };
    Ok((message, place, Counted { account: account.id, standing }, passes))
}

/// The resource in a path; an invalid name names nothing.
fn named(place: Place) -> Result<(MessageId, usize), Refusal> {
    let parsed = place.ok().and_then(|Path((id, place))| {
        // One name for one place: `01` and `+1` are none.
        let place = place.parse::<usize>().ok().filter(|number| number.to_string() == place)?;
        Some((id.parse().ok()?, place))
    });
    parsed.ok_or_else(|| ErrorCode::NotFound.into())
}

async fn file(api: &Api, message: &InboundMessage, place: usize) -> Result<Response<Body>, Refusal> {
    let media = message.media.get(place).ok_or(ErrorCode::NotFound)?;
    let (objects, name) = (Arc::clone(&api.objects), Arc::<str>::from(media.name()));
    let first = objects.read(&name, 0, PIECE_BYTES).await.map_err(|error| {
        let cause = format!("the file {place} of {} cannot be read: {error}", message.id);
        Refusal::new(ErrorCode::UnexpectedError).caused_by(cause)
    })?;
    let picture = picture(&first, &media.content_type);
    let left = media.bytes;
    let mut response = Response::new(Body::new(File { objects, name, at: 0, left, first: Some(first), reading: None }));
    let headers = response.headers_mut();
    let kind = picture.map_or(&*media.content_type, |kind| kind.as_str());
    let kind = HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_LENGTH, media.bytes.into());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    let disposition = HeaderValue::try_from(disposition(message.id, place, media, picture.is_some()));
    headers.insert(CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment")));
    response.extensions_mut().insert(About(message.id));
    Ok(response)
}

/// The type of a picture that browsers may show: its octets match the type that its sender gave.
fn picture(first: &[u8], claimed: &str) -> Option<MediaType> {
    // Of a large file there is only the beginning, which is not whole.
    let kind = match judge(first, Some(claimed)) {
        Ok(kind) | Err(NotMedia::Broken(kind, _)) => kind,
        Err(NotMedia::Empty | NotMedia::Unsupported(_)) => return None,
    };
    let is_shown = matches!(kind, MediaType::Jpeg | MediaType::Png | MediaType::Gif);
    // The older name of JPEG is in use among handsets.
    let is_claimed = claimed == kind.as_str() || (kind == MediaType::Jpeg && claimed == "image/jpg");
    Some(kind).filter(|_| is_shown && is_claimed)
}

/// The name is ours: the sender's never gets into a header.
fn disposition(id: MessageId, place: usize, media: &InboundMedia, is_picture: bool) -> String {
    let ending = MediaType::parse(&media.content_type).map_or("bin", MediaType::extension);
    if is_picture { "inline".to_owned() } else { format!("attachment; filename=\"{id}-{place}.{ending}\"") }
}

type Reading = Pin<Box<dyn Future<Output = io::Result<Bytes>> + Send>>;

/// The octets of a file, read as they are asked for.
struct File {
    objects: Arc<dyn Objects>,
    name: Arc<str>,
    /// The position of the reader.
    at: u64,
    /// The remaining octets.
    left: u64,
    first: Option<Bytes>,
    reading: Option<Reading>,
}

impl File {
    fn read(&self) -> Reading {
        let (objects, name, at) = (Arc::clone(&self.objects), Arc::clone(&self.name), self.at);
        Box::pin(async move { objects.read(&name, at, PIECE_BYTES).await })
    }

    /// The piece that was read, as far as it belongs to the file. If a file is shorter than it should be, the
    /// connection is closed, so that its reader does not take it for complete.
    fn give(&mut self, mut piece: Bytes) -> io::Result<Frame<Bytes>> {
        if piece.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file of an inbound message is cut"));
        }
        piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.at += piece.len() as u64;
        self.left -= piece.len() as u64;
        Ok(Frame::data(piece))
    }
}

impl hyper::body::Body for File {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(self.give(first)));
        }
        let mut reading = self.reading.take().unwrap_or_else(|| self.read());
        let read = match reading.as_mut().poll(context) {
            Poll::Ready(read) => read,
            Poll::Pending => {
                self.reading = Some(reading);
                return Poll::Pending;
            }
        };
        Poll::Ready(Some(read.and_then(|piece| self.give(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: &[u8] = include_bytes!("../../fetch/tests/media/photo.jpg");

    #[test]
    fn a_browser_shows_pictures_that_are_what_they_claim_to_be() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";
        for (octets, claimed, shown) in [
            (PHOTO, "image/jpeg", Some(MediaType::Jpeg)),
            (PHOTO, "image/jpg", Some(MediaType::Jpeg)),
            (&PHOTO[..PHOTO.len() / 2], "image/jpeg", Some(MediaType::Jpeg)),
            (PHOTO, "image/png", None),
            (PHOTO, "text/html", None),
            (png, "image/png", Some(MediaType::Png)),
            (b"GIF89a\x01\0\x01\0\0\0\0", "image/gif", Some(MediaType::Gif)),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>", "image/svg+xml", None),
            (b"<html><script>alert(1)</script>", "image/jpeg", None),
            (b"%PDF-1.4\n%%EOF", "application/pdf", None),
            (b"", "image/jpeg", None),
        ] {
            assert_eq!(picture(octets, claimed), shown, "{claimed}");
        }
    }
}
