//! What an operator can do with messages.

use maud::{Markup, html};
use serde_json::Value;

use super::PATH;
use crate::acts::{Act, Field, Kind, Then};
use crate::calls;
use crate::door::Role;
use crate::frame::Part;
use crate::parts::{facts, said};
use crate::text;

/// What the acts of messages have in common.
const fn of_messages(verb: &'static str, path: &'static str, call: calls::Call) -> Act {
    Act {
        path,
        call,
        least: Role::Operator,
        part: Part::Messages,
        verb,
        about: "",
        is_destructive: false,
        fields: &[],
        filled: None,
        done: "",
        back: "/console/messages/{id}",
        then: Then::To(PATH),
    }
}

const fn typed(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field { name, label, hint, kind: Kind::Text }
}

/// A form that is sent twice makes one message.
pub(crate) const ONCE: Field = Field { name: "idempotencyKey", label: "", hint: "", kind: Kind::Once };

pub(crate) static SEND: Act = Act {
    about: "The message passes every check of the account, and counts against its limits and its quota.",
    fields: &[
        ONCE,
        typed("accountId", "Account", "acc_…"),
        Field { name: "mode", label: "Mode", hint: "", kind: Kind::One(&["test", "live"]) },
        typed("from", "From", "A number, short code or name of the account"),
        typed("to", "To", "Such as +18005550199"),
        Field { name: "body", label: "Text", hint: "", kind: Kind::Long },
    ],
    done: "The message is accepted.",
    back: PATH,
    ..of_messages("Send a message", "/console/messages/new", calls::MESSAGE_SEND)
};

pub(crate) static AGAIN: Act = Act {
    about: "A new message with the same sender, recipient and text is sent on the account's behalf. It passes every \
            check, counts against the account's limits, and is charged again.",
    is_destructive: true,
    fields: &[ONCE],
    done: "The message is sent again, as this one.",
    ..of_messages("Send again", "/console/messages/{id}/again", calls::MESSAGE_AGAIN)
};

pub(crate) static CANCEL: Act = Act {
    about: "The message is not sent, and its client gets an event. Its quota stays used. This cannot be undone. A \
        message that was submitted to a carrier cannot be canceled.",
    is_destructive: true,
    done: "The message is canceled.",
    then: Then::Back,
    ..of_messages("Cancel the message", "/console/messages/{id}/cancel", calls::MESSAGE_CANCEL)
};

pub(crate) static REVEAL: Act = Act {
    least: Role::Viewer,
    about: "The numbers and the text are shown once. The audit log notes that you saw them.",
    done: "This is on record in the audit log.",
    then: Then::Shows(revealed),
    ..of_messages("Reveal", "/console/messages/{id}/reveal", calls::MESSAGE_REVEAL)
};

fn revealed(message: &Value) -> Markup {
    html! {
        (facts(&[("From", said(message, "from")), ("To", said(message, "to"))]))
        div.bubble {
            @match text::of(&message["body"]) {
                Some(text) => { (text) }
                None => { p.none { "No text." } }
            }
        }
    }
}
