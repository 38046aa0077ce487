//! A message as a bubble: what it says, how it was sent, and how far it and its receipt have come.

use maud::{Markup, html};

use super::frame::{count, duration, time};
use super::wire;
use crate::handsets::{Answer, Bubble, Content, Direction, Fate, Number, Picture, Segment, Sent, Standing, Tick};
use crate::phones::pictures::is_shown;

/// An inbound message.
pub(super) fn message(handset: &Number, bubble: &Bubble) -> Markup {
    let is_from_platform = bubble.direction == Direction::Outbound;
    let side = if is_from_platform { "outbound" } else { "inbound" };
    html! {
        li class={ "message " (side) } id={ "message-" (bubble.id) } data-news[is_from_platform] {
            p.peer { (if is_from_platform { "From " } else { "To " }) (look::short(&bubble.peer)) }
            div.bubble { (said(handset, bubble)) }
            p.meta { (time(bubble.at)) @for fact in facts(bubble) { " · " (fact) } }
            p.meta { (state(bubble)) }
            (wire::details(bubble))
        }
    }
}

fn said(handset: &Number, bubble: &Bubble) -> Markup {
    html! {
        @if let Content::Mms { subject: Some(subject), .. } = &bubble.content { p.subject { (look::short(subject)) } }
        @for (place, picture) in bubble.pictures().iter().enumerate() {
            (file(&bubble.picture_address(handset, place), place, picture))
        }
        @match &bubble.content {
            Content::Sms { is_data: true, .. } => {
                p.hint { "Data in hexadecimal" }
                code.data tabindex="0" role="region" aria-label="Data" { (bubble.text) }
            },
            _ if bubble.text.is_empty() => { @if bubble.pictures().is_empty() { p.none { "No text" } } },
            _ => (look::text(&bubble.text)),
        }
    }
}

fn file(address: &str, place: usize, picture: &Picture) -> Markup {
    let size = format!("{} kB", picture.bytes.len().div_ceil(1_000));
    let name = format!("File {}, {size}", place + 1);
    html! {
        a.picture href=(address) {
            @if is_shown(&picture.content_type) {
                img src=(address) alt={ "Picture " (place + 1) ", " (picture.content_type) ", " (size) } loading="lazy";
            } @else {
                (name) ", " (look::short(&picture.content_type))
            }
        }
    }
}

/// How it was sent, and how long it took.
fn facts(bubble: &Bubble) -> Vec<Markup> {
    let mut facts = Vec::new();
    match &bubble.content {
        Content::Sms { encoding, class, .. } => {
            facts.push(html! { (encoding) });
            facts.push(html! { (count(bubble.segments.len(), "segment")) });
            match class {
                Some(0) => facts.push(html! { "class 0 (flash)" }),
                Some(class) => facts.push(html! { "class " (class) }),
                None => {}
            }
        }
        Content::Mms { .. } => facts.push(html! { "MMS" }),
    }
    if let Some(ms) = bubble.latency_ms() {
        facts.push(html! { "arrived in " (duration(ms)) });
    }
    facts
}

/// How the message stands, and its receipt.
fn state(bubble: &Bubble) -> Markup {
    let came = bubble.segments.iter().filter(|segment| segment.fate != Fate::Missing).count();
    html! {
        @match bubble.standing() {
            Standing::Received(_) => {},
            Standing::Incomplete => {
                span."chip warn" { (came) " of " (count(bubble.segments.len(), "segment")) } " "
            },
            other => { (standing(other)) " " },
        }
        @if bubble.direction == Direction::Inbound || bubble.wants_receipt() {
            (receipt(bubble.direction, bubble.tick()))
            @if let Some(ms) = bubble.receipt_ms() { " in " (duration(ms)) }
        } @else {
            span.none { "No receipt requested" }
        }
        @for words in refusals(bubble) { " " span."chip bad" { "platform answers " (look::short(words)) } }
    }
}

/// Why the handset does not have a message.
pub(super) fn standing(standing: Standing) -> Markup {
    match standing {
        Standing::Received(_) => html! {},
        Standing::Incomplete => html! { span."chip warn" { "segments missing" } },
        Standing::Waiting => html! { span."chip busy" { "waits for the phone" } },
        Standing::Failed(failure) => html! {
            span."chip bad" {
                (failure.state().stat())
                @if let Some(error) = failure.error() { ", error " (error) }
            }
        },
    }
}

/// How far a receipt has come, or a message of the handset.
pub(super) fn receipt(direction: Direction, tick: Tick) -> Markup {
    let words = match (direction, tick) {
        (Direction::Inbound, Tick::None | Tick::Accepted) => "not sent yet",
        (Direction::Inbound, Tick::Sent) => "sent",
        (Direction::Inbound, Tick::Acknowledged) => "acknowledged",
        (Direction::Outbound, Tick::None | Tick::Accepted) => "accepted",
        (Direction::Outbound, Tick::Sent) => "receipt sent",
        (Direction::Outbound, Tick::Acknowledged) => "receipt acknowledged",
    };
    let ticks = match tick {
        Tick::None => "M6 1a5 5 0 1 0 .01 0M6 3.5V6l2 1.3",
        Tick::Accepted => "M1 6.5 4.5 10 12 2",
        Tick::Sent | Tick::Acknowledged => "M1 6.5 4.5 10 12 2M9 9l1.5 1L18 2",
    };
    html! {
        span class={ "receipt " (tick.name()) } {
            svg viewBox="0 0 19 12" width="19" height="12" aria-hidden="true" { path d=(ticks) {} }
            " " (words)
        }
    }
}

/// What the platform said to receipts or messages that it did not take.
fn refusals(bubble: &Bubble) -> impl Iterator<Item = &str> {
    let answers = bubble.segments.iter().filter_map(|segment: &Segment| match &segment.sent {
        Some(Sent { answer: Some(answer), .. }) => Some(answer),
        _ => None,
    });
    answers.filter(|answer: &&Answer| !answer.is_ok).map(|answer| answer.words.as_str())
}
