//! `GET /account`: the account of a key as its client sees it.

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use model::account::{Account, TextRetention};
use model::error::{ErrorCode, Refusal};
use model::quota::UtcDay;
use model::{SenderKind, Timestamp};
use pipeline::refusal::refused_by_store;
use pipeline::tenants::Caller;
use pipeline::{AdmissionLimits, Retention};
use screening::Policy;
use serde::Serialize;

use super::{Api, Shared};
use crate::http::json;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountView<'a> {
    id: String,
    name: &'a str,
    mode: &'static str,
    created_at: String,
    limits: LimitsView,
    quota: QuotaView,
    sender_kinds: Vec<&'static str>,
    screening: &'a Policy,
    retention: RetentionView,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LimitsView {
    message_per_minute: u32,
    broadcast_per_minute: u32,
    read_per_minute: u32,
    recipients_per_broadcast: usize,
    sms_characters: usize,
    mms_characters: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QuotaView {
    limit: u64,
    used: u64,
    left: u64,
    resets_at: String,
}

impl QuotaView {
    /// The state of a quota at `now`, after `used` recipients. A lowered limit may be below the used recipients.
    fn of(limit: u64, used: u64, now: Timestamp) -> Self {
        Self { limit, used, left: limit.saturating_sub(used), resets_at: UtcDay::of(now).end().to_string() }
    }
}

/// How long data are kept, in days; `None` for no limit, and 0 until the message has ended.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RetentionView {
    text_days: Option<u64>,
    message_days: Option<u64>,
}

impl RetentionView {
    /// The retention for an account with this rule for its texts.
    fn of(platform: Retention, own: Option<TextRetention>) -> Self {
        let days = |kept: Duration| kept.as_secs() / 86_400;
        let own = own.map(|rule| match rule {
            TextRetention::Discard => 0,
            TextRetention::Days(days) => days.get().into(),
        });
        let message_days = platform.messages.map(days);
        // A text goes with its message at the latest.
        let text_days = [own, platform.texts.map(days), message_days].into_iter().flatten().min();
        Self { text_days, message_days }
    }
}

pub(super) async fn show(State(api): Shared, Extension(caller): Extension<Caller>) -> Response<Body> {
    let shown = shown(&api, &caller).await;
    api.answer(shown)
}

async fn shown(api: &Api, caller: &Caller) -> Result<Response<Body>, Refusal> {
    let unexpected = |cause: &dyn std::fmt::Display| Refusal::new(ErrorCode::UnexpectedError).caused_by(cause);
    let pipeline = &api.pipeline;
    let account = pipeline.tenants().account(caller.account).ok_or_else(|| unexpected(&"a key without an account"))?;
    let now = api.runtime.now();
    let used = pipeline.store().quota_used(caller.owner(), UtcDay::of(now)).await.map_err(refused_by_store)?;
    let view = view(caller, &account, pipeline.limits(), pipeline.retention(), (used, now));
    serde_json::to_string(&view).map(json).map_err(|error| unexpected(&error))
}

fn view<'a>(
    caller: &'a Caller,
    account: &'a Account,
    limits: AdmissionLimits,
    retention: Retention,
    (used, now): (u64, Timestamp),
) -> AccountView<'a> {
    let kinds = SenderKind::ALL.into_iter().filter(|kind| limits.sender_kinds.contains(*kind));
    AccountView {
        id: account.id.to_string(),
        name: &account.name,
        mode: caller.mode.as_str(),
        created_at: account.created_at.to_string(),
        limits: LimitsView {
            message_per_minute: caller.limits.message_per_minute,
            broadcast_per_minute: caller.limits.broadcast_per_minute,
            read_per_minute: caller.limits.read_per_minute,
            recipients_per_broadcast: limits.recipients_max,
            sms_characters: limits.sms_characters_max,
            mms_characters: limits.mms_characters_max,
        },
        quota: QuotaView::of(caller.limits.daily_quota, used, now),
        sender_kinds: kinds.map(SenderKind::as_str).collect(),
        screening: &caller.screening,
        retention: RetentionView::of(retention, account.retention),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_rule_is_the_one_that_applies() {
        let days = |count: u64| Some(Duration::from_secs(count * 86_400));
        let rules = |texts, messages| Retention { texts, messages, receipt_keys: None };
        let own = |count| TextRetention::of_days(count);
        let view = |text_days, message_days| RetentionView { text_days, message_days };
        for (platform, own, expected) in [
            (rules(days(30), days(90)), None, view(Some(30), Some(90))),
            (rules(days(30), days(90)), own(7), view(Some(7), Some(90))),
            (rules(days(30), days(90)), own(60), view(Some(30), Some(90))),
            (rules(days(30), days(90)), Some(TextRetention::Discard), view(Some(0), Some(90))),
            (rules(None, days(90)), None, view(Some(90), Some(90))),
            (rules(None, None), own(7), view(Some(7), None)),
            (rules(None, None), None, view(None, None)),
        ] {
            assert_eq!(RetentionView::of(platform, own), expected);
        }
    }

    #[test]
    fn a_quota_that_was_lowered_has_nothing_left() {
        let quota = QuotaView::of(5, 7, Timestamp::from_millis(1_773_585_000_000));
        assert_eq!((quota.left, &*quota.resets_at), (0, "2026-03-16T00:00:00.000Z"));
    }
}
