//! What is around every page, and its headers.

use hyper::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};
use hyper::{Response, StatusCode};
use maud::{Markup, html};
use model::Timestamp;

use super::assets::{ICON, SCRIPT, STYLE};
use crate::handsets::Switch;
use crate::phones::answer::{Body, Refusal, whole};

/// A page. `title` has no text that strangers wrote.
pub(super) fn page(status: StatusCode, title: &str, content: &Markup) -> Response<Body> {
    let head = look::Head {
        title,
        part: "smsfactory phones",
        style: STYLE.path(),
        icon: Some(ICON.path()),
        script: Some(SCRIPT.path()),
    };
    let body = html! {
        header.top {
            a.brand href="/dev" { "smsfactory" span { " phones" } }
            p.live #live role="status" hidden {}
            noscript { p.hint { "Reload the page to see changes. Times are in UTC." } }
        }
        main #content tabindex="-1" { (content) }
        p.unseen #news role="status" {}
    };
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let mut answer = whole(status, kind, look::page(&head, &body).into());
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(look::POLICY));
    // With `no-referrer` browsers hide the origin of forms from the page itself.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static("same-origin"));
    }
    answer
}

/// A page that says why a request was refused.
pub(in crate::phones) fn refused(refusal: &Refusal) -> Response<Body> {
    let title = if refusal.status == StatusCode::NOT_FOUND { "Not found" } else { "This request was refused" };
    let content = html! {
        div.alone {
            h1 { (title) }
            (problem(refusal))
            p { a.button href="/dev" { "All phones" } }
        }
    };
    page(refusal.status, title, &content)
}

/// Why something was not done.
pub(super) fn problem(refusal: &Refusal) -> Markup {
    let mut sentence = refusal.sentence.clone();
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    html! { div.problem #problem role="alert" { p { (look::short(&sentence)) "." } } }
}

/// How a handset is set, as a word with a colour.
pub(super) fn chip(switch: Switch) -> Markup {
    let (tone, word) = match switch {
        Switch::On => ("good", "on".to_owned()),
        Switch::Off => ("plain", "off".to_owned()),
        Switch::Full => ("warn", "full".to_owned()),
        Switch::Slow(time) => ("busy", format!("slow, {} s", time.as_secs())),
        Switch::Rejecting => ("bad", "rejecting".to_owned()),
    };
    html! { span class={ "chip " (tone) } { (word) } }
}

/// A time of day in UTC, which the script shows in the browser's zone.
pub(super) fn time(at: Timestamp) -> Markup {
    let whole = at.to_string();
    html! { time datetime=(whole) title=(whole) { (whole.get(11..19).unwrap_or(&whole)) } }
}

/// A count with its noun.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A duration as people read it.
pub(super) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}
