//! What an operator can do with a carrier.

use maud::{Markup, html};
use serde_json::Value;

use crate::acts::{Act, Field, Kind, Then};
use crate::calls;
use crate::door::Role;
use crate::frame::Part;
use crate::pages::messages::acts::ONCE;
use crate::parts::{Column, table, word};
use crate::text;

/// What the acts of carriers have in common.
const fn of_carrier(verb: &'static str, path: &'static str, call: calls::Call) -> Act {
    Act {
        path,
        call,
        least: Role::Operator,
        part: Part::Carriers,
        verb,
        about: "",
        is_destructive: false,
        fields: &[],
        filled: None,
        done: "",
        back: "/console/carriers/{name}",
        then: Then::Back,
    }
}

pub(crate) static STOP: Act = Act {
    about: "No message is given to this carrier until it is started again, on any node and across restarts. Its \
            messages wait, or go by the fallback of their route.",
    is_destructive: true,
    done: "The carrier is stopped.",
    ..of_carrier("Stop", "/console/carriers/{name}/stop", calls::CARRIER_STOP)
};

pub(crate) static START: Act = Act {
    about: "The messages that wait for this carrier leave.",
    done: "The carrier is started.",
    ..of_carrier("Start", "/console/carriers/{name}/start", calls::CARRIER_START)
};

pub(crate) static TEST: Act = Act {
    about: "The platform resolves the name of the carrier, connects, binds and sends an enquire_link, beside the live \
        sessions. No message is sent.",
    done: "The test is over.",
    then: Then::Shows(steps),
    ..of_carrier("Test the connection", "/console/carriers/{name}/test", calls::CARRIER_TEST)
};

pub(crate) static MESSAGE: Act = Act {
    about: "A live message that this carrier gets first, in place of the first carrier of its route. It passes every \
            check of the account, and counts against its limits and its quota. If this carrier cannot send it, the \
            other carriers of the route get it, like any other message.",
    fields: &[
        ONCE,
        Field { name: "carrier", label: "Carrier", hint: "", kind: Kind::Given },
        Field { name: "accountId", label: "Account", hint: "acc_…", kind: Kind::Text },
        Field { name: "from", label: "From", hint: "A number, short code or name of the account", kind: Kind::Text },
        Field { name: "to", label: "To", hint: "Such as +18005550199", kind: Kind::Text },
        Field { name: "body", label: "Text", hint: "", kind: Kind::Long },
    ],
    done: "The message is accepted. Its timeline shows the carrier.",
    back: "/console/carriers/{carrier}",
    then: Then::To("/console/messages"),
    ..of_carrier("Send a test message", "/console/carriers/{carrier}/message", calls::MESSAGE_SEND)
};

pub(crate) static TRACE: Act = Act {
    about: "The PDUs of this carrier are kept in memory and shown for so long. Texts are masked unless you ask for \
            them.",
    fields: &[
        Field { name: "seconds", label: "Seconds", hint: "60, if empty", kind: Kind::Whole },
        Field { name: "texts", label: "Show the texts of messages", hint: "", kind: Kind::Flag },
    ],
    done: "The trace has begun.",
    ..of_carrier("Trace PDUs", "/console/carriers/{name}/trace", calls::TRACE_BEGIN)
};

pub(crate) static TRACE_END: Act = Act {
    about: "What was traced stays until the next trace begins.",
    done: "The trace has ended.",
    ..of_carrier("End the trace", "/console/carriers/{name}/trace/end", calls::TRACE_END)
};

fn steps(answer: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = answer["steps"].as_array().into_iter().flatten().map(step).collect();
    let columns =
        [Column::Words("Step"), Column::Words("Result"), Column::Numbers("Took"), Column::Words("Particulars")];
    html! {
        p.lead { @if answer["ok"] == true { "The carrier can be reached." } @else { "The carrier cannot be used." } }
        @if let Some(note) = answer["note"].as_str() { p { (text::short(note)) } }
        (table("Steps", &columns, &rows, &html! { p { "No step was taken." } }))
    }
}

fn step(step: &Value) -> Vec<Markup> {
    vec![
        html! { (word(step, "step")) },
        html! { @if step["ok"] == true { span.chip.good { "ok" } } @else { span.chip.bad { "failed" } } },
        html! { (step["tookMs"]) " ms" },
        html! {
            (text::short(word(step, "detail")))
            @if let Some(hint) = step["hint"].as_str() { p.hint { (text::short(hint)) } }
        },
    ]
}
