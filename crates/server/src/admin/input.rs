//! Reading what the operator sends: JSON bodies, ids in paths, queries; every mistake named by its field.

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::Request;
use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::{AccountId, Originator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use store::StoreError;

use super::Admin;
use api::http::body;
use api::http::head::require_json;

/// Reads a JSON body. An empty one is an empty object.
pub(super) async fn body<T: DeserializeOwned>(admin: &Admin, request: Request<Body>) -> Result<T, Refusal> {
    let (head, body) = request.into_parts();
    let bytes = body::read(&admin.runtime, body, admin.body_limits).await?;
    if !bytes.is_empty() {
        require_json(&head.headers)?;
    }
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
    // serde would read the values of a list as the fields, in their order.
    if text.trim_ascii_start().starts_with(b"[") {
        return Err(wrong(".", "an object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let inner = error.inner();
        let info = if inner.is_data() {
            // serde_json ends its sentence with a place that means nothing once the field is named.
            let expected = inner.to_string();
            let expected = expected.split(" at line ").next().unwrap_or_default().to_owned();
            AdditionalInfo::WrongType { field: error.path().to_string().into(), expected: expected.into() }
        } else {
            AdditionalInfo::Place { line: inner.line().max(1), column: inner.column().max(1) }
        };
        Refusal::new(ErrorCode::MalformedRequest).with_info(info)
    })?;
    let place = |error: serde_json::Error| {
        Refusal::new(ErrorCode::MalformedRequest)
            .with_info(AdditionalInfo::Place { line: error.line(), column: error.column() })
    };
    reader.end().map_err(place)?;
    Ok(value)
}

/// The resource in a path; an invalid name names nothing.
pub(super) fn path<T>(
    path: Result<Path<String>, PathRejection>,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, Refusal> {
    path.ok().and_then(|Path(text)| parse(&text)).ok_or_else(|| ErrorCode::NotFound.into())
}

/// The account that a path names.
pub(super) fn account_of(text: &str) -> Option<AccountId> {
    text.parse().ok()
}

/// The number, the short code or the name that a path names.
pub(super) fn address_of(text: &str) -> Option<Originator> {
    Originator::parse(text).ok()
}

/// A field that must be there.
pub(super) fn required<T>(value: Option<T>, field: &'static str) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::new(ErrorCode::MissingRequiredField).with_info(AdditionalInfo::Fields(vec![field])))
}

/// A field whose text must mean something.
pub(super) fn meaning<T>(
    text: &str,
    field: &'static str,
    expected: impl Into<Cow<'static, str>>,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, Refusal> {
    parse(text).ok_or_else(|| wrong(field, expected))
}

/// A field with a wrong value.
pub(super) fn wrong(field: &'static str, expected: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::new(ErrorCode::MalformedRequest)
        .with_info(AdditionalInfo::WrongType { field: field.into(), expected: expected.into() })
}

/// A field that another call has and this one does not.
pub(super) fn absent<T>(value: Option<&T>, field: &'static str, expected: &'static str) -> Result<(), Refusal> {
    if value.is_some() { Err(wrong(field, expected)) } else { Ok(()) }
}

/// A number, a short code or a name in a field.
pub(super) fn address(text: &str, field: &'static str) -> Result<Originator, Refusal> {
    address_of(text).ok_or_else(|| no_address(field))
}

/// A field that holds no address.
pub(super) fn no_address(field: &'static str) -> Refusal {
    Refusal::new(ErrorCode::InvalidPhoneNumber).with_info(AdditionalInfo::Field(field))
}

/// A field that may be absent, `null` or a value, each of which means something else.
pub(super) fn tri_state<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    reader: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(reader).map(Some)
}

/// What the operator is told when the store refuses: `field` is what already exists, or what names nothing.
pub(super) fn refused(error: StoreError, field: &'static str) -> Refusal {
    match error {
        StoreError::AlreadyExists => wrong(field, "one that does not exist yet"),
        StoreError::NotFound => wrong(field, "one that exists"),
        other => pipeline::refusal::refused_by_store(other),
    }
}

/// The same where the path names it: nothing is there.
pub(super) fn not_there(error: StoreError) -> Refusal {
    match error {
        StoreError::NotFound => ErrorCode::NotFound.into(),
        other => pipeline::refusal::refused_by_store(other),
    }
}
