//! Opt-outs and their history.

use serde_json::{Value, json};

use super::{count, list, object, one_of, text, text_or_null, time};

const SOURCES: &str = "The source: a keyword, the API, an import, or the operator.";

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("OptOut", opt_out()),
        ("OptOutChange", change()),
        ("OptOutEvent", event()),
        ("NewOptOut", new_opt_out()),
        ("Reason", object(&[], &json!({ "reason": reason() }))),
        ("ImportReport", import_report()),
    ]
}

fn reason() -> Value {
    json!({ "type": ["string", "null"], "maxLength": 500, "description": "The reason, for the history." })
}

fn new_opt_out() -> Value {
    object(
        &[],
        &json!({
            "from": text_or_null("One sender of the account; absent for all of them."),
            "reason": reason(),
        }),
    )
}

fn opt_out() -> Value {
    object(
        &["number", "from", "source", "keyword", "messageId", "createdAt"],
        &json!({
            "number": text("The recipient."),
            "from": text_or_null("The sender whose messages it opted out of; `null` for all senders of the account."),
            "source": text(SOURCES),
            "keyword": text_or_null("The keyword that it sent."),
            "messageId": text_or_null("The message that it sent."),
            "createdAt": time("The time of the opt-out."),
        }),
    )
}

fn change() -> Value {
    object(
        &["at", "change", "from", "source", "keyword", "reason", "messageId"],
        &json!({
            "at": time("The time of the change."),
            "change": one_of(&["opted_out", "opted_in"], "The change."),
            "from": text_or_null("The sender; `null` for all senders of the account."),
            "source": text(SOURCES),
            "keyword": text_or_null("The keyword that the recipient sent."),
            "reason": text_or_null("The reason that was given."),
            "messageId": text_or_null("The message that the recipient sent."),
        }),
    )
}

fn event() -> Value {
    object(
        &["number", "from", "source", "keyword", "messageId"],
        &json!({
            "number": text("The recipient."),
            "from": text_or_null("The sender; `null` for all senders of the account."),
            "source": text(SOURCES),
            "keyword": text_or_null("The keyword that it sent."),
            "messageId": text_or_null("The message that it sent."),
        }),
    )
}

fn import_report() -> Value {
    let invalid =
        object(&["line", "reason"], &json!({ "line": count("The line, from 1."), "reason": text("The mistake.") }));
    object(
        &["total", "added", "unchanged", "invalid"],
        &json!({
            "total": count("Entries of the file."),
            "added": count("Entries that were not opted out before."),
            "unchanged": count("Entries that were opted out already."),
            "invalid": list(&invalid, "Invalid lines. They were skipped, and all others were imported."),
        }),
    )
}
