//! Files of multimedia messages, served so that a browser takes them for nothing but a picture.

use hyper::StatusCode;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue};

use super::answer::{Answered, Refusal, whole};
use crate::handsets::{Handsets, Number};

/// The types that a browser may show.
const SHOWN: [&str; 5] = ["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"];

/// Whether a browser may show files of this type.
pub(super) fn is_shown(content_type: &str) -> bool {
    SHOWN.contains(&content_type)
}

/// A file; what is no picture is offered for download.
pub(super) fn picture(handsets: &Handsets, number: &Number, id: &str) -> Answered {
    let missing = || Refusal::new(StatusCode::NOT_FOUND, "no_picture", "there is no such picture, or no more");
    let (message, place) = id.split_once('-').ok_or_else(missing)?;
    let (message, place) = (message.parse().map_err(|_| missing())?, place.parse().map_err(|_| missing())?);
    let picture = handsets.picture(number, message, place).ok_or_else(missing)?;
    let shown = SHOWN.into_iter().find(|shown| *shown == picture.content_type);
    let content_type = HeaderValue::from_static(shown.unwrap_or("application/octet-stream"));
    let mut answer = whole(StatusCode::OK, content_type, picture.bytes);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("same-origin"));
    if shown.is_none() {
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
    Ok(answer)
}
