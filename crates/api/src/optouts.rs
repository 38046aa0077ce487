//! Opt-outs of an account: their list, their history and their changes.
//!
//! Each call is idempotent by itself: an existing opt-out does not change, and an opt-in without an opt-out does
//! nothing.

pub mod import;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use bytes::Bytes;
use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::{AccountId, Msisdn, OptOut, OptOutName, OptOutSource, Originator, Timestamp};
use pipeline::Pipeline;
use pipeline::refusal::refused_by_store;
use pipeline::tenants::{Caller, NewOptOut, TenantBook};
use serde::Serialize;
use store::Store;
use store::contract::optouts::{OptOutCursor, OptOutFilter, OptedIn};

use super::fields::opt_out::of_opt_out;
use super::handling::Handling;
use super::list::{cursor, limit, no_address, number, time};
use super::view::{OptOutChangeView, OptOutView};
use super::{Api, Shared, fields};
use crate::http::head::{require_json, require_type};
use crate::http::json;
use crate::http::query::Parameters;
use import::{File, Format, Imported};

/// How long an import waits for others.
const PLACE_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest reason, in characters.
const REASON_CHARACTERS_MAX: usize = 500;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageView<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

type Named = Result<Path<String>, PathRejection>;

pub(super) async fn list(State(api): Shared, Extension(caller): Extension<Caller>, uri: Uri) -> Response<Body> {
    let listed = listed(&api, &caller, &uri).await;
    api.answer(listed)
}

async fn listed(api: &Api, caller: &Caller, uri: &Uri) -> Result<Response<Body>, Refusal> {
    let query = Query::read(&Parameters::parse(uri.query()))?;
    let store = api.pipeline.store();
    let page =
        store.opt_outs(caller.owner(), query.filter, query.after, query.limit).await.map_err(refused_by_store)?;
    let data: Vec<_> = page.opt_outs.iter().map(OptOutView::of).collect();
    written(&PageView { data, next_cursor: page.next.map(cursor_text) })
}

/// The parameters of a list of opt-outs.
pub struct Query {
    /// The opt-outs that the list shows.
    pub filter: OptOutFilter,
    /// The cursor: the list goes on after this opt-out.
    pub after: Option<OptOutCursor>,
    /// Opt-outs on a page at most.
    pub limit: usize,
}

impl Query {
    /// Reads the parameters of a list. Unknown ones are ignored.
    pub fn read(given: &Parameters) -> Result<Self, Refusal> {
        let filter = OptOutFilter {
            number: number("number", given.get("number"))?,
            since: time(given, "after")?,
            before: time(given, "before")?,
        };
        Ok(Self { filter, after: cursor(given, cursor_of)?, limit: limit(given)? })
    }
}

/// A place in a list, as a text.
pub fn cursor_text(OptOutCursor(place): OptOutCursor) -> String {
    place.to_string()
}

/// The place that a text names.
pub fn cursor_of(text: &str) -> Option<OptOutCursor> {
    text.parse().ok().map(OptOutCursor)
}

pub(super) async fn history(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    name: Named,
    uri: Uri,
) -> Response<Body> {
    let shown = shown(&api, &caller, name, &uri).await;
    api.answer(shown)
}

async fn shown(api: &Api, caller: &Caller, name: Named, uri: &Uri) -> Result<Response<Body>, Refusal> {
    let (number, given) = (handset(name)?, Parameters::parse(uri.query()));
    let (after, limit) = (cursor(&given, cursor_of)?, limit(&given)?);
    let store = api.pipeline.store();
    let page = store.opt_out_history(caller.owner(), number, after, limit).await.map_err(refused_by_store)?;
    let data: Vec<_> = page.changes.iter().map(OptOutChangeView::of).collect();
    written(&PageView { data, next_cursor: page.next.map(cursor_text) })
}

pub(super) async fn set(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    name: Named,
    request: Request,
) -> Response<Body> {
    let mut handling = Handling::of(request.headers());
    let answered = opted_out(&api, &caller, name, request, &mut handling).await;
    handling.told(api.answer(answered))
}

async fn opted_out(
    api: &Api,
    caller: &Caller,
    name: Named,
    request: Request,
    handling: &mut Handling,
) -> Result<Response<Body>, Refusal> {
    let (headers, body) = read(api, request).await?;
    if !body.is_empty() {
        require_json(&headers)?;
    }
    let given = handling.keep(of_opt_out(&body)?)?;
    let number = handset(name)?;
    let from = sender(given.from.as_deref())?;
    let reason = reason(given.reason)?;
    if let Some(from) = from {
        check_sender(api.pipeline.tenants(), caller.account, from)?;
    }
    let name = OptOutName { owner: caller.owner(), number, from };
    let opt_out = put(&api.pipeline, name, OptOutSource::Api, reason, api.runtime.now()).await?;
    written(&OptOutView::of(&opt_out))
}

pub(super) async fn end(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    name: Named,
    uri: Uri,
    request: Request,
) -> Response<Body> {
    let mut handling = Handling::of(request.headers());
    let answered = opted_in(&api, &caller, (name, &uri), request, &mut handling).await;
    handling.told(api.answer(answered))
}

async fn opted_in(
    api: &Api,
    caller: &Caller,
    (name, uri): (Named, &Uri),
    request: Request,
    handling: &mut Handling,
) -> Result<Response<Body>, Refusal> {
    let (headers, body) = read(api, request).await?;
    if !body.is_empty() {
        require_json(&headers)?;
    }
    let given = handling.keep(of_opt_out(&body)?)?;
    let number = handset(name)?;
    let from = sender(Parameters::parse(uri.query()).get("from"))?;
    let name = OptOutName { owner: caller.owner(), number, from };
    take(&api.pipeline, name, OptOutSource::Api, reason(given.reason)?).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

pub(super) async fn import(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    let mut handling = Handling::of(request.headers());
    let answered = imported(&api, &caller, request, &mut handling).await;
    handling.told(api.answer(answered))
}

async fn imported(
    api: &Api,
    caller: &Caller,
    request: Request,
    handling: &mut Handling,
) -> Result<Response<Body>, Refusal> {
    let (head, body) = request.into_parts();
    let format = Format::of_type(require_type(&head.headers, &openapi::IMPORT_TYPES)?);
    let body = api.body(body, api.broadcast_body_limits).await?;
    // Each writes for a second or two: a few at a time, so that other writes have their turn.
    let _place = match api.runtime.timeout(PLACE_TIMEOUT, api.importing.acquire()).await {
        Ok(place) => place.map_err(|error| Refusal::new(ErrorCode::UnexpectedError).caused_by(error))?,
        Err(_) => {
            let refusal = Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(PLACE_TIMEOUT);
            return Err(refusal.caused_by("too many imports are carried out"));
        }
    };
    let file = File::read(&api.runtime, format, body).await?;
    handling.note(&file.unknown, None)?;
    written(&Imported::of(&api.pipeline, caller.owner(), file).await?)
}

/// Opts a recipient out, and returns the opt-out in force, which may be an earlier one.
pub async fn put(
    pipeline: &Pipeline,
    name: OptOutName,
    source: OptOutSource,
    reason: Option<Arc<str>>,
    now: Timestamp,
) -> Result<OptOut, Refusal> {
    let new = NewOptOut { name, reason: reason.clone(), since: None };
    pipeline.tenants().opt_out(vec![new], source).await.map_err(refused_by_store)?;
    let found = known(&**pipeline.store(), name).await?;
    // One that is gone already was in force when this was asked for.
    Ok(found.unwrap_or(OptOut { name, source, keyword: None, message: None, reason, created_at: now }))
}

/// The opt-out with this name, if there is one.
async fn known(store: &dyn Store, name: OptOutName) -> Result<Option<OptOut>, Refusal> {
    let mut after = None;
    loop {
        let filter = OptOutFilter { number: Some(name.number), ..OptOutFilter::default() };
        let page = store.opt_outs(name.owner, filter, after, super::list::LIMIT_MAX).await.map_err(refused_by_store)?;
        if let Some(found) = page.opt_outs.into_iter().find(|opt_out| opt_out.name == name) {
            return Ok(Some(found));
        }
        after = page.next;
        if after.is_none() {
            return Ok(None);
        }
    }
}

/// Opts a handset in again.
///
/// # Errors
/// [`ErrorCode::MissingRequiredField`] where the handset opted out itself and no reason is given; where there was
/// nothing to end, what is wrong with the sender.
pub async fn take(
    pipeline: &Pipeline,
    name: OptOutName,
    source: OptOutSource,
    reason: Option<Arc<str>>,
) -> Result<(), Refusal> {
    let tenants = pipeline.tenants();
    match tenants.opt_in(name, source, reason).await.map_err(refused_by_store)? {
        OptedIn::Changed => Ok(()),
        // An opt-out outlives the account's hold of the number, so that the sender counts only where there is none.
        OptedIn::Unchanged => name.from.map_or(Ok(()), |from| check_sender(tenants, name.owner.account, from)),
        OptedIn::ReasonRequired => {
            Err(Refusal::new(ErrorCode::MissingRequiredField).with_info(AdditionalInfo::Fields(vec!["reason"])))
        }
    }
}

/// Whether a sender is the account's, in whatever state.
fn check_sender(tenants: &TenantBook, account: AccountId, from: Originator) -> Result<(), Refusal> {
    match tenants.number(from) {
        None => Err(ErrorCode::SenderNumberNotAvailable.into()),
        Some(number) if number.account != Some(account) => Err(ErrorCode::NumberNotOwned.into()),
        Some(_) => Ok(()),
    }
}

/// The handset that a path names.
fn handset(name: Named) -> Result<Msisdn, Refusal> {
    let text = name.map(|Path(text)| text).unwrap_or_default();
    Msisdn::parse(&text).map_err(|_| no_address("number"))
}

/// A sender, if one is given.
pub fn sender(given: Option<&str>) -> Result<Option<Originator>, Refusal> {
    given.map(|text| Originator::parse(text).map_err(|_| no_address("from"))).transpose()
}

/// A reason, if a non-blank one is given.
pub fn reason(given: Option<String>) -> Result<Option<Arc<str>>, Refusal> {
    let Some(reason) = given.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    if is_reason(&reason) { Ok(Some(reason.into())) } else { Err(fields::wrong_type("reason", REASON)) }
}

/// The rule for a reason.
const REASON: &str = "a text of at most 500 characters, none of them a control character";

fn is_reason(text: &str) -> bool {
    text.chars().count() <= REASON_CHARACTERS_MAX && !text.chars().any(char::is_control)
}

async fn read(api: &Api, request: Request) -> Result<(HeaderMap, Bytes), Refusal> {
    let (head, body) = request.into_parts();
    Ok((head.headers, api.body(body, api.body_limits).await?))
}

fn written(value: &impl Serialize) -> Result<Response<Body>, Refusal> {
    serde_json::to_string(value).map(json).map_err(|error| Refusal::new(ErrorCode::UnexpectedError).caused_by(error))
}
