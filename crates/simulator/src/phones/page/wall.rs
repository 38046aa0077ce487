//! The wall: every handset as a small telephone.

use hyper::StatusCode;
use maud::{Markup, html};

use super::frame::{self, chip, count, problem};
use super::message::{receipt, standing};
use super::{address, see_other};
use crate::handsets::{Direction, Excerpt, Number, Standing, Thumbnail};
use crate::phones::Phones;
use crate::phones::answer::{Answered, Refusal};
use crate::phones::input::query;

/// Messages that a small telephone shows.
const SHOWN: usize = 3;

/// The request that the empty wall proposes.
const FIRST: &str = "curl -u KEY_ID:KEY_SECRET http://127.0.0.1:8080/api/v1/messaging/message \\\n  \
                     -H 'Content-Type: application/json' \\\n  \
                     -d '{\"to\":\"+18005550199\",\"from\":\"+18005550100\",\"body\":\"Your code is 482910\"}'";

/// The page; with a number in its query the way to that handset.
pub(super) fn show(phones: &Phones, given: &str) -> Answered {
    let wanted = query(given, &["number"])?.pop().map(|(_, number)| number.replace([' ', '-', '(', ')', '.'], ""));
    match wanted.as_deref().map(Number::parse) {
        Some(Some(number)) => return Ok(see_other(&address(&number))),
        Some(None) => {
            let refusal = Refusal::wrong("`number` has 1 to 20 digits, with or without + before them");
            return Ok(frame::page(refusal.status, "Phones", &wall(phones, Some(&refusal))));
        }
        None => {}
    }
    Ok(frame::page(StatusCode::OK, "Phones", &wall(phones, None)))
}

fn wall(phones: &Phones, refusal: Option<&Refusal>) -> Markup {
    let (handsets, left_out) = phones.handsets().wall(SHOWN);
    html! {
        div.head {
            div {
                h1 { "Phones" }
                (connection(phones))
            }
            form.open action="/dev" role="search" aria-label="Open a phone" {
                label for="number" { "Number of a phone" }
                div.row {
                    input #number name="number" inputmode="tel" autocomplete="off" placeholder="+18005550199" required;
                    button type="submit" { "Open" }
                }
            }
        }
        @if let Some(refusal) = refusal { (problem(refusal)) }
        div #wall data-part="" {
            @if handsets.is_empty() {
                (empty(phones))
            } @else {
                ul.wall aria-label="Phones, most recently used first" data-list="" {
                    @for handset in &handsets { (small(handset)) }
                }
            }
            @if left_out > 0 {
                p.hint {
                    (count(usize::try_from(left_out).unwrap_or(usize::MAX), "phone")) " with older messages left out."
                }
            }
        }
    }
}

/// Whether the platform is there, and where the simulators listen.
pub(super) fn connection(phones: &Phones) -> Markup {
    let listens = phones.listens;
    html! {
        p.connection #connection data-part="" {
            @match &phones.keyboard {
                Some(keyboard) if keyboard.has_receiver() => span."chip good" { "platform connected by SMPP" },
                Some(_) => span."chip warn" { "no SMPP session can receive" },
                None => {},
            }
            " "
            @for (name, address) in [("SMPP", listens.smpp), ("MM4", listens.mm4), ("MM7", listens.mm7)] {
                @if let Some(address) = address { span.listens { (name) " " code { (address) } } " " }
            }
        }
    }
}

fn empty(phones: &Phones) -> Markup {
    html! {
        div.empty {
            h2 { "No phone has been texted yet" }
            p { "A phone appears here with the first message to its number. Send one through the platform, with the \
                 live key that " code { "smsfactory dev" } " prints:" }
            pre tabindex="0" role="region" aria-label="Command" { code #first { (FIRST) } }
            p.acts { button type="button" data-copy="first" hidden { "Copy the command" } }
            @if let Some(address) = phones.listens.smpp {
                p { "Or connect any SMPP client to " code { (address) } ", bind as transceiver with any name and \
                     password, and submit a message." }
            }
        }
    }
}

fn small(handset: &Thumbnail) -> Markup {
    let Thumbnail { number, switch, kept, waiting, last } = handset;
    html! {
        li.phone id={ "phone-" (number.digits()) } {
            div.ear {}
            div.bar {
                h2 { a href=(address(number)) { (number) } }
                (chip(*switch))
            }
            div.glass {
                @if last.is_empty() { p.none { "No messages yet" } }
                @for excerpt in last { (line(excerpt)) }
            }
            p.foot {
                (count(*kept, "message"))
                @if *waiting > 0 { ", " (count(*waiting, "segment")) " waiting" }
            }
        }
    }
}

fn line(excerpt: &Excerpt) -> Markup {
    let is_from_platform = excerpt.direction == Direction::Outbound;
    html! {
        div class={ "said " (if is_from_platform { "outbound" } else { "inbound" }) } {
            p.peer { (if is_from_platform { "From " } else { "To " }) (look::short(&excerpt.peer)) }
            @if excerpt.pictures > 0 { p.pictures { (count(excerpt.pictures, "file")) } }
            @if !excerpt.text.is_empty() { (look::text(&excerpt.text)) }
            p.meta {
                @match excerpt.standing {
                    Standing::Received(_) => (receipt(excerpt.direction, excerpt.tick)),
                    other => (standing(other)),
                }
            }
        }
    }
}
