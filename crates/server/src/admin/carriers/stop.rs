//! Stopping a carrier, and starting it again.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Response;
use model::error::ErrorCode;

use super::super::input::path;
use super::super::{Admin, Answered, Shared, no_content};

pub(in crate::admin) async fn stop(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let stopped = set_stopped(&admin, name, true).await;
    admin.answer(stopped)
}

pub(in crate::admin) async fn start(State(admin): Shared, name: Result<Path<String>, PathRejection>) -> Response<Body> {
    let started = set_stopped(&admin, name, false).await;
    admin.answer(started)
}

async fn set_stopped(admin: &Admin, name: Result<Path<String>, PathRejection>, is_stopped: bool) -> Answered {
    let name = path(name, |text| Some(text.to_owned()))?;
    let is_known = match is_stopped {
        true => admin.pipeline.stop_carrier(&name).await?,
        false => admin.pipeline.start_carrier(&name).await?,
    };
    if is_known { Ok(no_content()) } else { Err(ErrorCode::NotFound.into()) }
}
