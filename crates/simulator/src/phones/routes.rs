//! Which address does what.

use std::time::Duration;

use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Response, StatusCode};
use model::Timestamp;
use serde_json::json;

use super::answer::{Answered, Body, Refusal, json_answer};
use super::input::{Fields, query};
use super::{Asked, Phones, events, pictures, reply};
use crate::handsets::{Number, Switch, Wanted};

/// How long a call waits for a message where it does not say, and at most, in seconds.
const WAIT_SECS: u64 = 10;
const WAIT_SECS_MAX: u64 = 60;

/// Answers a request.
pub(super) async fn route(phones: &Phones, request: Asked) -> Answered {
    let path = request.uri().path().to_owned();
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    let reads = super::is_read(request.method());
    let method = request.method().clone();
    match (&steps[..], reads) {
        (["dev", "phones"], true) => Ok(json_answer(StatusCode::OK, &phones.handsets.list())),
        (["dev", "phones"], false) => Ok(not_allowed("GET, HEAD")),
        (["dev", "phones", "events"], true) => events::open(phones, request.headers()),
        (["dev", "phones", "events"], false) => Ok(not_allowed("GET, HEAD")),
        (["dev", "phones", number], true) => conversation(phones, &handset(number)?),
        (["dev", "phones", number], false) if method == Method::PUT => switch(phones, &handset(number)?, request).await,
        (["dev", "phones", _], false) => Ok(not_allowed("GET, HEAD, PUT")),
        (["dev", "phones", number, "pictures", id], true) => pictures::picture(&phones.handsets, &handset(number)?, id),
        (["dev", "phones", _, "pictures", _], false) => Ok(not_allowed("GET, HEAD")),
        (["dev", "phones", number, "reply"], false) if method == Method::POST => {
            let from = handset(number)?;
            let fields = Fields::read(&phones.runtime, request, &["to", "text", "how", "picture"]).await?;
            reply::send(phones, &from, &fields).await
        }
        (["dev", "phones", _, "reply"], _) => Ok(not_allowed("POST")),
        (["dev", "phone", number, "latest"], true) => {
            latest(phones, &handset(number)?, request.uri().query().unwrap_or_default()).await
        }
        (["dev", "phone", _, "latest"], false) => Ok(not_allowed("GET, HEAD")),
        (["dev", "phone", number, "send"], false) if method == Method::POST => {
            let from = handset(number)?;
            let fields = Fields::read(&phones.runtime, request, &["to", "text"]).await?;
            reply::send(phones, &from, &fields).await
        }
        (["dev", "phone", _, "send"], _) => Ok(not_allowed("POST")),
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "no_such_address", "there is nothing at this address")),
    }
}

fn handset(number: &str) -> Result<Number, Refusal> {
    Number::parse(number)
        .ok_or_else(|| Refusal::wrong("the number in the address has 1 to 20 digits, with or without + before them"))
}

fn conversation(phones: &Phones, number: &Number) -> Answered {
    let found = phones.handsets.conversation(number).ok_or_else(|| {
        let sentence = format!("the handset {number} has not been texted yet, or it was left out since");
        Refusal::new(StatusCode::NOT_FOUND, "no_handset", sentence)
    })?;
    Ok(json_answer(StatusCode::OK, &found))
}

async fn switch(phones: &Phones, number: &Number, request: Asked) -> Answered {
    let fields = Fields::read(&phones.runtime, request, &["state", "seconds"]).await?;
    let to = Switch::named(fields.needed("state")?, fields.number("seconds")?).map_err(Refusal::wrong)?;
    phones.handsets.switch(number, to);
    conversation(phones, number)
}

async fn latest(phones: &Phones, number: &Number, text: &str) -> Answered {
    let mut wanted = Wanted::default();
    let mut wait_secs = WAIT_SECS;
    for (name, value) in query(text, &["contains", "wait", "after"])? {
        match name.as_str() {
            "contains" => wanted.contains = value,
            "wait" => wait_secs = wait_of(&value)?,
            _ => {
                let after = Timestamp::parse(&value);
                let wrong = || Refusal::wrong("`after` is a time, such as the `at` of an earlier answer");
                wanted.after = Some(after.ok_or_else(wrong)?);
            }
        }
    }
    let found = phones.handsets.latest_within(number, &wanted, Duration::from_secs(wait_secs)).await;
    let Some(latest) = found else {
        let sentence = format!("the handset {number} got no such message within {wait_secs} s");
        return Err(Refusal::new(StatusCode::NOT_FOUND, "no_message", sentence));
    };
    let shown = json!({
        "text": latest.text, "code": latest.code(), "at": latest.at.to_string(), "from": latest.from,
    });
    Ok(json_answer(StatusCode::OK, &shown))
}

fn wait_of(value: &str) -> Result<u64, Refusal> {
    let wait = value.parse().ok().filter(|wait| *wait <= WAIT_SECS_MAX);
    wait.ok_or_else(|| Refusal::wrong(format!("`wait` is a whole number of seconds from 0 to {WAIT_SECS_MAX}")))
}

pub(super) fn not_allowed(methods: &'static str) -> Response<Body> {
    let sentence = format!("this address has the methods {methods}");
    let mut answer = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", sentence).answer();
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}
