//! The messages of an account by day, as the account itself sees them.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode, Uri};
use model::error::ErrorCode;
use model::{Mode, Owner};

use super::input::{account_of, meaning, path};
use super::{Admin, Answered, Shared, json};
use api::http::query::Parameters;
use api::usage::counted;

pub(super) async fn show(State(admin): Shared, id: Result<Path<String>, PathRejection>, uri: Uri) -> Response<Body> {
    let shown = shown(&admin, id, &Parameters::parse(uri.query())).await;
    admin.answer(shown)
}

async fn shown(admin: &Admin, id: Result<Path<String>, PathRejection>, given: &Parameters) -> Answered {
    let account = path(id, account_of)?;
    if admin.pipeline.tenants().account(account).is_none() {
        return Err(ErrorCode::NotFound.into());
    }
    let mode = given.get("mode").map_or(Ok(Mode::Live), |text| meaning(text, "mode", "live or test", Mode::parse))?;
    let owner = Owner { account, mode };
    json(StatusCode::OK, &counted(&**admin.pipeline.store(), owner, given, admin.runtime.now()).await?)
}
