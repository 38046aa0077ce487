//! `GET /broadcast`: a page of broadcasts, newest first.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, Uri};
use model::error::{ErrorCode, Refusal};
use model::{BroadcastId, BroadcastStatus, SenderKinds, Timestamp};
use pipeline::refusal::refused_by_store;
use pipeline::tenants::Caller;
use serde::Serialize;
use store::contract::broadcasts::BroadcastFilter;

use super::list::{LIMIT_DEFAULT, LIMIT_MAX, originator, parsed, reference};
use super::view::BroadcastView;
use super::{Api, Shared};
use crate::http::json;
use crate::http::query::Parameters;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageView<'a> {
    data: Vec<BroadcastView<'a>>,
    next_cursor: Option<String>,
}

pub(super) async fn list(State(api): Shared, Extension(caller): Extension<Caller>, uri: Uri) -> Response<Body> {
    let listed = listed(&api, &caller, &uri).await;
    api.answer(listed)
}

async fn listed(api: &Api, caller: &Caller, uri: &Uri) -> Result<Response<Body>, Refusal> {
    let query = Query::read(&Parameters::parse(uri.query()), api.pipeline.sender_kinds())?;
    let page = api
        .pipeline
        .store()
        .broadcasts(Some(caller.owner()), query.filter, query.after, query.limit)
        .await
        .map_err(refused_by_store)?;
    let view = PageView {
        data: page.broadcasts.iter().map(BroadcastView::of).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    };
    serde_json::to_string(&view).map(json).map_err(|error| Refusal::new(ErrorCode::UnexpectedError).caused_by(error))
}

/// The parameters of a list.
pub struct Query {
    /// The broadcasts that the list shows.
    pub filter: BroadcastFilter,
    /// The cursor: the list goes on after this broadcast.
    pub after: Option<BroadcastId>,
    /// Broadcasts on a page at most.
    pub limit: usize,
}

impl Query {
    /// Reads the parameters of a list, with senders of these kinds. Unknown ones are ignored.
    pub fn read(given: &Parameters, kinds: SenderKinds) -> Result<Self, Refusal> {
        let get = |name: &str| given.get(name);
        let limit = parsed(get("limit"), "limit", "an integer from 1 to 100", |text| {
            text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit))
        })?;
        let filter = BroadcastFilter {
            status: parsed(
                get("status"),
                "status",
                "queued, sending, completed, failed or canceled",
                BroadcastStatus::parse,
            )?,
            originator: originator("from", get("from"), kinds)?,
            reference: reference(get("reference"))?,
            // The operator narrows by these, which handlers of the admin API read themselves.
            account: None,
            mode: None,
            from: parsed(get("after"), "after", "a time as in RFC 3339", Timestamp::parse)?,
            before: parsed(get("before"), "before", "a time as in RFC 3339", Timestamp::parse)?,
        };
        let after = parsed(get("cursor"), "cursor", "a nextCursor of an earlier page", |text| text.parse().ok())?;
        Ok(Self { filter, after, limit: limit.unwrap_or(LIMIT_DEFAULT) })
    }
}
