//! Messages that the operator sends: on an account's behalf, and again. Each passes every check that the account's own
//! request would pass, and counts against its limits and its quota.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, Response};
use model::error::{ErrorCode, Refusal};
use model::limits::RequestKind;
use model::message::MessageType;
use model::{CarrierName, ClientReference, MessageId, MessageRecord, Mode, Owner};
use pipeline::SendRequest;
use pipeline::refusal::refused_by_store;
use serde::Deserialize;

use super::input::{self, meaning, path, wrong};
use super::optouts::owner;
use super::{Admin, Answered, Shared};
use api::fields::text::Loose;
use api::http::log::About;
use api::message::{IDEMPOTENT_REPLAYED, created_at};
use api::view::MessageView;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MessageInput {
    account_id: Option<String>,
    mode: Option<String>,
    to: Option<String>,
    from: Option<String>,
    body: Option<Loose>,
    media_url: Option<String>,
    message_type: Option<String>,
    reference: Option<String>,
    idempotency_key: Option<String>,
    carrier: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AgainInput {
    idempotency_key: Option<String>,
}

pub(super) async fn send(State(admin): Shared, request: Request) -> Response<Body> {
    let sent = sent(&admin, request).await;
    admin.answer(sent)
}

async fn sent(admin: &Admin, request: Request) -> Answered {
    let input: MessageInput = input::body(admin, request).await?;
    let owner = owner(admin, input.account_id.as_deref(), input.mode.as_deref())?;
    let through = through(admin, owner, &input).await?;
    let message_type = input.message_type.or_else(|| through.as_ref().map(|(_, kind)| kind.as_str().to_owned()));
    let reference = input.reference.filter(|text| !text.is_empty());
    let reference = reference
        .map(|text| meaning(&text, "reference", "a text of 1 to 200 characters", ClientReference::parse))
        .transpose()?;
    let request = SendRequest {
        to: input.to,
        from: input.from,
        body: input.body.map(|Loose(text)| text),
        media_url: input.media_url,
        message_type,
        reference,
        idempotency_key: input.idempotency_key,
        carrier: through.map(|(carrier, _)| carrier),
        ..SendRequest::default()
    };
    sent_for(admin, owner, request).await
}

/// The carrier that the operator names, and the type of the message: the given one, or one that the carrier takes.
async fn through(
    admin: &Admin,
    owner: Owner,
    input: &MessageInput,
) -> Result<Option<(CarrierName, MessageType)>, Refusal> {
    let Some(name) = input.carrier.as_deref() else { return Ok(None) };
    let settings = admin.reloader.carrier_settings(name).await;
    let settings = settings.ok_or_else(|| wrong("carrier", "the name of a carrier in the configuration"))?;
    if owner.mode == Mode::Test {
        return Err(wrong("carrier", "absent: a test message goes to the sandbox"));
    }
    let given = input.message_type.as_deref().and_then(MessageType::parse);
    let kind = match given {
        Some(kind) => kind,
        None if input.media_url.is_none() && settings.carries(MessageType::Sms) => MessageType::Sms,
        None => MessageType::Mms,
    };
    if !settings.carries(kind) {
        return Err(wrong("carrier", format!("a carrier that takes {}", kind.as_str())));
    }
    Ok(Some((name.into(), kind)))
}

pub(super) async fn again(
    State(admin): Shared,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response<Body> {
    let sent = sent_again(&admin, id, request).await;
    admin.answer(sent)
}

async fn sent_again(admin: &Admin, id: Result<Path<String>, PathRejection>, request: Request) -> Answered {
    let id: MessageId = path(id, |text| text.parse().ok())?;
    let AgainInput { idempotency_key } = input::body(admin, request).await?;
    let found = admin.pipeline.store().message_of_any_account(id).await.map_err(refused_by_store)?;
    let MessageRecord { message, delivery } = found.ok_or(ErrorCode::NotFound)?;
    if delivery.erased_at.is_some() {
        return Err(wrong("id", "a message whose data were not erased: nothing is left of this one"));
    }
    if message.body.is_none() && message.media_url.is_none() {
        return Err(wrong("id", "a message whose text is kept: the text of this one was removed because of its age"));
    }
    let request = SendRequest {
        to: Some(message.recipient.to_string()),
        from: Some(message.originator.to_string()),
        body: message.body.as_deref().map(Into::into),
        media_url: message.media_url.clone(),
        message_type: Some(message.kind.as_str().to_owned()),
        reference: message.client_reference.clone(),
        idempotency_key,
        again: Some(id),
        ..SendRequest::default()
    };
    sent_for(admin, message.owner(), request).await
}

/// The answer is that of the public API.
async fn sent_for(admin: &Admin, owner: Owner, request: SendRequest) -> Answered {
    let inactive = || wrong("accountId", "an account that is active");
    let caller = admin.pipeline.tenants().on_behalf_of(owner).ok_or_else(inactive)?;
    let counted = admin.operators.limiter.take(owner, RequestKind::Message, &caller.limits, admin.runtime.now()).await;
    counted.map_err(|(_, refusal): (_, Refusal)| refusal)?;
    let again = request.again;
    let answered = admin
        .pipeline
        .send(&caller, request, None, |message, delivery, form| {
            MessageView::of(message, delivery).in_form(form).to_json()
        })
        .await?;
    if let Some(original) = again.filter(|_| !answered.replayed) {
        tracing::info!(message.id = %answered.id, "The operator sent {original} again, as {}", answered.id);
    }
    let mut response = created_at(&format!("/admin/v1/messages/{}", answered.id), answered.body);
    if answered.replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response.extensions_mut().insert(About(answered.id));
    Ok(response)
}
