//! The handling of unknown fields: a header names them to the client, or, with `Prefer: handling=strict` (RFC 7240,
//! section 4.4), the request is refused.

use axum::body::Body;
use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue, Response};
use model::error::{AdditionalInfo, ErrorCode, Refusal};

use super::fields::{Read, Unknown};
use super::prefer;

const IGNORED_FIELDS: HeaderName = HeaderName::from_static("x-ignored-fields");

/// The handling of a request.
pub(super) struct Handling {
    is_strict: bool,
    ignored: Option<HeaderValue>,
}

impl Handling {
    /// As the client asks in these headers.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self { is_strict: prefer::is_strict(headers), ignored: None }
    }

    /// The content of a body, after its unknown fields were noted.
    ///
    /// # Errors
    /// [`ErrorCode::MalformedRequest`] if there are any and the request is strict.
    pub(super) fn keep<F>(&mut self, read: Read<F>) -> Result<F, Refusal> {
        self.note(&read.unknown, read.advice)?;
        Ok(read.fields)
    }

    /// Notes unknown fields, about the first of which the client is to know this.
    ///
    /// # Errors
    /// As [`Self::keep`].
    pub(super) fn note(&mut self, unknown: &Unknown, advice: Option<&'static str>) -> Result<(), Refusal> {
        if let Some(field) = unknown.first().filter(|_| self.is_strict) {
            let expected = advice.unwrap_or("no field of this name").into();
            let info = AdditionalInfo::WrongType { field: field.to_owned().into(), expected };
            return Err(Refusal::new(ErrorCode::MalformedRequest).with_info(info));
        }
        self.ignored = unknown.to_header();
        Ok(())
    }

    /// The answer with the header about ignored fields.
    pub(super) fn told(self, mut response: Response<Body>) -> Response<Body> {
        if self.is_strict {
            prefer::applied_strictly(&mut response);
        }
        if let Some(ignored) = self.ignored {
            response.headers_mut().insert(IGNORED_FIELDS, ignored);
        }
        response
    }
}
