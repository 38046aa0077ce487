//! Opt-outs and erasures.

use serde_json::{Map, Value, json};

use super::{account_id, body, extended, mode, mode_or_null, short, time_or_null, whole};
use openapi::parts::reference;
use openapi::schemas::{count, one_of, text, text_or_null, time};

pub(super) fn all(public: &Map<String, Value>) -> Vec<(&'static str, Value)> {
    let of_operator = json!({
        "reason": text_or_null("The reason that was given."), "accountId": account_id("Its account."), "mode": mode(),
    });
    vec![
        ("OptOut", extended(public, "OptOut", &of_operator, &[])),
        ("NewOptOut", new_opt_out()),
        ("Erasure", erasure()),
        ("NewErasure", new_erasure()),
        ("ErasureDryRun", whole(&json!({ "dryRun": { "const": true }, "counts": reference("ErasureCounts") }))),
        ("ErasureCounts", counts()),
    ]
}

fn new_opt_out() -> Value {
    body(
        &["accountId"],
        &json!({
            "accountId": account_id("The account whose messages the recipient does not want."),
            "mode": mode_or_null(),
            "from": text_or_null("One sender of the account; absent for all of them."),
            "reason": short(500, "The reason, for the history."),
        }),
    )
}

fn new_erasure() -> Value {
    body(
        &["number"],
        &json!({
            "number": {
                "type": "string",
                "pattern": "^\\+[1-9][0-9]{6,14}$",
                "description": "The number of the person. A number of the platform itself is refused.",
            },
            "dryRun": { "type": "boolean", "default": false, "description": "Only count the data." },
            "reference": short(200, "A name for the request, such as the number of a ticket, without the number of the \
                person. It is kept."),
        }),
    )
}

fn erasure() -> Value {
    whole(&json!({
        "id": text("`era_` and 22 letters and digits."),
        "state": one_of(&["running", "completed"], "Whether it is under way."),
        "operator": text("The operator who asked for it."),
        "reference": text_or_null("As in the request."),
        "numberDigest": text("A keyed digest of the number, in hexadecimal digits."),
        "beganAt": time("The time at which it began."),
        "endedAt": time_or_null("The time of its end."),
        "counts": reference("ErasureCounts"),
    }))
}

fn counts() -> Value {
    whole(&json!({
        "messages": count("Messages to the number or from it."),
        "canceled": count("Messages among them that were queued and were canceled."),
        "texts": count("Texts of messages and of broadcasts."),
        "events": count("Events whose details were removed."),
        "media": count("Messages that lost their media."),
        "screeningRecords": count("Decisions of the screen."),
        "unmatchedReceipts": count("Receipts and PDUs that matched no message."),
        "broadcastRecipients": count("Recipients of broadcasts that had not been reached."),
        "idempotencyRecords": count("Idempotency records of requests that named the number."),
    }))
}
