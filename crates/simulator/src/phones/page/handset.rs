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

/// The page, with the last messages or those before one.
pub(super) fn show(phones: &Phones, number: &Number, before: Option<u64>) -> Response<Body> {
    let screen = phones.handsets().screen(number, before, SHOWN);
    frame::page(StatusCode::OK, &title(number), &content(phones, &screen, before.is_some(), &Typed::default(), None))
}

/// The page again, with what was typed and why it was not done.
pub(super) fn again(phones: &Phones, number: &Number, typed: &Typed<'_>, refusal: &Refusal) -> Response<Body> {
    let screen = phones.handsets().screen(number, None, SHOWN);
    frame::page(refusal.status, &title(number), &content(phones, &screen, false, typed, Some(refusal)))
}

fn title(number: &Number) -> String {
    format!("Phone {number}")
}

fn content(phones: &Phones, screen: &Screen, is_earlier: bool, typed: &Typed<'_>, refusal: Option<&Refusal>) -> Markup {
    let number = &screen.number;
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
                    @if let Some(refusal) = refusal { (problem(refusal)) }
                    @if is_earlier {
                        p { a.button href=(address(number)) { "Back to the latest messages" } }
                    } @else {
                        (reply_form(phones, screen, typed))
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
                        code #command data-path={ "/dev/phone/" (number) "/latest?wait=10" } {
                            "curl 'http://127.0.0.1:8081/dev/phone/" (number) "/latest?wait=10'"
                        }
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
