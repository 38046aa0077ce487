//! Viewers see masked answers, as does every request with `mask=1`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{Extensions, Response, Uri};
use axum::middleware::Next;
use model::Role;
use model::error::{ErrorCode, Refusal};
use serde_json::Value;

use super::access::{Access, Special};
use super::principal::Principal;
use super::{Admin, shade};
use api::http::query::Parameters;

/// Whether what a request sees is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Masks(bool);

impl Masks {
    fn asked_by(extensions: &Extensions, uri: &Uri) -> Self {
        let is_viewer = extensions.get::<Principal>().is_some_and(|principal| principal.role == Role::Viewer);
        Self(is_viewer || Parameters::parse(uri.query()).get("mask") == Some("1"))
    }

    /// The value as the request may see it. Streams, which have no end, are masked event by event.
    pub(super) fn of(self, value: Value) -> Value {
        if self.0 { shade::masked(value) } else { value }
    }
}

impl<S: Sync> FromRequestParts<S> for Masks {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::asked_by(&parts.extensions, &parts.uri))
    }
}

pub(super) async fn masked(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response<Body> {
    let extensions = request.extensions();
    let masks = Masks::asked_by(extensions, request.uri());
    let reveals = extensions.get::<&'static Access>().is_some_and(|access| access.special == Special::Reveals);
    let response = next.run(request).await;
    if !masks.0 || reveals || !is_json(&response) {
        return response;
    }
    let broken = |error: String| admin.envelope.refuse(Refusal::new(ErrorCode::UnexpectedError).caused_by(error));
    let (mut head, body) = response.into_parts();
    let value = match to_bytes(body, usize::MAX).await {
        // The answer to a HEAD.
        Ok(bytes) if bytes.is_empty() => return Response::from_parts(head, Body::empty()),
        Ok(bytes) => serde_json::from_slice::<Value>(&bytes).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match value {
        Ok(value) => {
            head.headers.remove(CONTENT_LENGTH);
            Response::from_parts(head, Body::from(shade::masked(value).to_string()))
        }
        // What cannot be masked is not shown.
        Err(error) => broken(error),
    }
}

fn is_json(response: &Response<Body>) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}
