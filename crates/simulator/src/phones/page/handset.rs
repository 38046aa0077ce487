//! The page of one handset: its screen, the form for a reply, and its switches.

use hyper::{Response, StatusCode};
use maud::{Markup, html};

use super::address;
use super::forms::{Typed, reply_form, switches};
use super::frame::{self, chip, count, problem};
use super::message::message;
use super::wall::connection;
use crate::handsets::{Number, Screen};
use crate::phones::Phones;
use crate::phones::answer::{Body, Refusal};

/// Messages on one page.
const SHOWN: usize = 30;

/// The circumstances of a page.
#[derive(Clone, Copy, Default)]
pub(super) struct Visit<'a> {
    /// The address of this server, as the browser has it.
    pub(super) host: &'a str,
    /// The message before which the page shows messages; `None` for the latest.
    pub(super) before: Option<u64>,
    /// The fields of a form that was refused.
    pub(super) typed: Typed<'a>,
    /// The reason of the refusal.
    pub(super) refusal: Option<&'a Refusal>,
}

/// The page.
pub(super) fn show(phones: &Phones, number: &Number, visit: &Visit<'_>) -> Response<Body> {
    let screen = phones.handsets().screen(number, visit.before, SHOWN);
    let status = visit.refusal.map_or(StatusCode::OK, |refusal| refusal.status);
    frame::page(status, &title(number), &content(phones, &screen, visit))
}

fn title(number: &Number) -> String {
    format!("Phone {number}")
}

fn content(phones: &Phones, screen: &Screen, visit: &Visit<'_>) -> Markup {
    let number = &screen.number;
    let is_earlier = visit.before.is_some();
    html! {
        nav.within aria-label="Breadcrumb" {
            ol { li { a href="/dev" { "Phones" } } li aria-current="page" { (number) } }
        }
        div.desk {
            section."phone large" aria-labelledby="whose" {
                div.ear {}
                div.bar {
                    h1 #whose { (number) }
                    span #state data-part="" { (chip(screen.switch)) }
                }
                (glass(screen, is_earlier))
                div.hand {
                    @if let Some(refusal) = visit.refusal { (problem(refusal)) }
                    @if is_earlier {
                        p { a.button href=(address(number)) { "Back to the latest messages" } }
                    } @else {
                        (reply_form(phones, screen, &visit.typed))
                    }
                }
            }
            aside aria-label="About this phone" {
                (switches(screen))
                section {
                    h2 { "Network" }
                    (connection(phones))
                }
                section {
                    h2 { "In a test" }
                    p.hint { "Waits for the latest message of this phone, and finds the code in it:" }
                    pre tabindex="0" role="region" aria-label="Command" {
                        code #command { "curl 'http://" (visit.host) "/dev/phone/" (number) "/latest?wait=10'" }
                    }
                    p.acts { button.quiet type="button" data-copy="command" hidden { "Copy the command" } }
                    p.hint {
                        a href={ "/dev/phones/" (number.digits()) } { "This phone as JSON" }
                    }
                }
            }
        }
    }
}

fn glass(screen: &Screen, is_earlier: bool) -> Markup {
    let number = &screen.number;
    html! {
        div.glass #glass tabindex="0" role="region" aria-label="Messages" {
            div.roll {
                div #before data-part="" {
                    @if let Some(first) = screen.bubbles.first().filter(|_| screen.has_earlier) {
                        p { a href={ (address(number)) "?before=" (first.id) } { "Earlier messages" } }
                    } @else if screen.left_out > 0 {
                        p.hint { "Earlier messages are not kept: " (screen.left_out) " left out" }
                    }
                }
                ol #messages aria-label="Messages, the latest last" data-list="" data-still[is_earlier] {
                    @for bubble in &screen.bubbles { (message(number, bubble)) }
                }
                div #after data-part="" {
                    @if screen.bubbles.is_empty() {
                        p.none { "No messages yet. Text this number, or write from it below." }
                    }
                    @if screen.waiting > 0 {
                        p.hint { (count(screen.waiting, "segment")) " waiting for this phone" }
                    }
                }
            }
        }
    }
}
