//! The forms of a handset: for a message of it, and for its switches.

use maud::{Markup, html};

use super::address;
use crate::handsets::{Number, Screen, Switch};
use crate::phones::Phones;

/// Ways to reply, each with its words.
const WAYS: [(&str, &str); 7] = [
    ("plain", "As it is"),
    ("long", "Long: three segments at least"),
    ("emoji", "With an emoji, in UCS-2"),
    ("stop", "The word STOP"),
    ("out-of-order", "Three segments, the last first"),
    ("duplicated", "Every segment twice"),
    (PICTURE, "With a picture, by MMS"),
];

/// The way that is none of an SMS.
pub(super) const PICTURE: &str = "picture";

/// The delay of a slow handset unless the operator gives another one, in seconds.
const SLOW_SECS: u64 = 5;

/// What a person has typed into the form of a message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Typed<'a> {
    pub(super) to: Option<&'a str>,
    pub(super) text: Option<&'a str>,
    pub(super) how: Option<&'a str>,
}

/// The form for a message of the handset.
pub(super) fn reply_form(phones: &Phones, screen: &Screen, typed: &Typed<'_>) -> Markup {
    let likely = screen.peers.iter().find(|peer| Number::parse(peer).is_some());
    let is_possible = |way: &str| match way {
        PICTURE => phones.camera.is_some(),
        _ => phones.keyboard.is_some(),
    };
    html! {
        form.reply #reply method="post" action={ (address(&screen.number)) "/reply" } {
            div.row {
                div {
                    label for="to" { "To" }
                    input #to name="to" list="peers" value=[typed.to.or(likely.map(String::as_str))] required
                        maxlength="20" inputmode="tel" autocomplete="off" spellcheck="false" placeholder="+18005550100";
                    datalist #peers data-part="" { @for peer in &screen.peers { option value=(peer) {} } }
                }
                div {
                    label for="how" { "How" }
                    select #how name="how" {
                        @for (way, words) in WAYS {
                            option value=(way) disabled[!is_possible(way)] selected[typed.how == Some(way)] { (words) }
                        }
                    }
                }
            }
            label for="text" { "Message" }
            div.write {
                textarea #text name="text" rows="2" maxlength="10000" aria-describedby="keys" {
                    "\n" (typed.text.unwrap_or_default())
                }
                button.primary type="submit" { "Send" }
            }
            p.hint #keys hidden { kbd { "Ctrl" } " " kbd { "Enter" } " sends." }
        }
    }
}

/// The buttons that switch the handset.
pub(super) fn switches(screen: &Screen) -> Markup {
    let slow_secs = if let Switch::Slow(time) = screen.switch { time.as_secs() } else { SLOW_SECS };
    html! {
        section #switches aria-labelledby="switched" data-part="" {
            h2 #switched { "This phone is" }
            form.switches method="post" action={ (address(&screen.number)) "/switch" } {
                div.choices role="group" aria-labelledby="switched" {
                    @for (state, word) in
                        [("on", "On"), ("off", "Off"), ("full", "Full"), ("slow", "Slow"), ("rejecting", "Rejecting")]
                    {
                        button type="submit" name="state" value=(state) id={ "be-" (state) }
                            aria-pressed=(if screen.switch.name() == state { "true" } else { "false" }) { (word) }
                    }
                }
                p.hint { (meaning(screen.switch)) }
                div.row {
                    label for="seconds" { "Seconds of delay when slow" }
                    input #seconds name="seconds" type="number" min="1" max="600" value=(slow_secs);
                }
            }
        }
    }
}

/// What the state of a handset means for its messages, and what their receipts say.
fn meaning(switch: Switch) -> Markup {
    let (words, says) = match switch {
        Switch::On => ("Messages arrive at once.", None),
        Switch::Off => ("Messages wait at the carrier until the phone is on, or until they expire:", Some("EXPIRED")),
        Switch::Full => ("Its memory is full, and messages fail:", Some("UNDELIV, error 22")),
        Switch::Slow(_) => ("Messages arrive after a delay.", None),
        Switch::Rejecting => ("It rejects messages:", Some("REJECTD, error 21")),
    };
    html! { (words) @if let Some(says) = says { " " code { (says) } } }
}
