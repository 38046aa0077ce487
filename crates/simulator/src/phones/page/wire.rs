//! What went over the wire for a message, folded under its bubble.

use maud::{Markup, html};

use super::frame::{count, time};
use crate::handsets::{Bubble, By, Direction, Sent, Shown, ShownContent};

/// PDUs that a page shows of one message; the API has all that are kept.
const SHOWN: usize = 32;

/// The PDUs or mails of a message, and its receipts.
pub(super) fn details(bubble: &Bubble) -> Markup {
    let (seen, left_out) = bubble.trace.shown();
    let folded = u64::try_from(seen.len().saturating_sub(SHOWN)).unwrap_or(u64::MAX);
    let is_smpp = seen.iter().all(|seen| matches!(seen.content, ShownContent::Pdu { .. }));
    html! {
        @if !seen.is_empty() {
            details.wire {
                summary id={ "wire-" (bubble.id) } {
                    "On the wire: " (count(seen.len(), if is_smpp { "PDU" } else { "message" }))
                }
                (receipts(bubble))
                ol { @for seen in seen.iter().take(SHOWN) { (one(seen)) } }
                @if folded + left_out > 0 { p.hint { (folded + left_out) " more are not shown." } }
            }
        }
    }
}

/// What was sent to the platform for each segment, and its answers.
fn receipts(bubble: &Bubble) -> Markup {
    let sent = || (1..).zip(&bubble.segments).filter_map(|(number, segment)| Some((number, segment.sent.as_ref()?)));
    let noun = if bubble.direction == Direction::Outbound { "Receipt of segment " } else { "Segment " };
    html! {
        @if sent().next().is_some() {
            ul.sent { @for (number, sent) in sent() { li { (noun) (number) ": " (one_sent(sent)) } } }
        }
    }
}

fn one_sent(sent: &Sent) -> Markup {
    let Sent { says, error, at, times, answer } = sent;
    html! {
        @if !says.is_empty() {
            code { (says) } @if let Some(error) = error { ", error " (error) } ", "
        }
        "sent at " (time(*at))
        @if *times > 1 { ", " (times) " times" }
        @match answer {
            Some(answer) => { ", answered " code { (look::short(&answer.words)) } " at " (time(answer.at)) },
            None => ", not answered yet",
        }
    }
}

fn one(seen: &Shown) -> Markup {
    let from = match seen.by {
        By::Platform => "platform to simulator",
        By::Simulator => "simulator to platform",
    };
    html! {
        li class=(seen.by.name()) {
            p.name {
                code { (seen.name) }
                @if let ShownContent::Pdu { status: Some(status), .. } = &seen.content { " " code { (status) } }
                " " span.hint { (from) ", " (time(seen.at)) ", " (count(seen.length, "octet")) }
            }
            @match &seen.content {
                ShownContent::Pdu { sequence, fields, octets, .. } => {
                    dl {
                        div { dt { "sequence_number" } dd { (sequence) } }
                        @for (name, value) in fields { div { dt { (name) } dd { (look::short(value)) } } }
                    }
                    pre.octets tabindex="0" role="region" aria-label={ "Octets of " (seen.name) } { (octets) }
                },
                ShownContent::Text(text) => (look::text(text)),
                ShownContent::None => {},
            }
        }
    }
}
