//! The account and its senders.

use model::message::MessageType;
use model::number::NumberState;
use model::{Mode, SenderKind, Status};
use screening::Category;
use serde_json::{Value, json};

use super::super::parts::reference;
use super::{count, flag, list, object, one_of, text, time};

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![("Account", account()), ("Number", number()), ("Usage", usage()), ("UsageCount", usage_count())]
}

fn account() -> Value {
    let kinds = json!({ "type": "string", "enum": SenderKind::ALL.map(SenderKind::as_str) });
    object(
        &["id", "name", "mode", "createdAt", "limits", "quota", "senderKinds", "screening", "retention"],
        &json!({
            "id": text("`acc_` and 22 letters and digits."),
            "name": text("Its name with the operator."),
            "mode": one_of(&[Mode::Live.as_str(), Mode::Test.as_str()], "The world of the key that asks."),
            "createdAt": time("When it was made."),
            "limits": limits(),
            "quota": quota(),
            "senderKinds": list(&kinds, "The kinds of senders that clients may send from."),
            "screening": screening(),
            "retention": retention(),
        }),
    )
}

fn limits() -> Value {
    let fields = [
        ("messagePerMinute", "`POST /message` requests in a window of 60 seconds."),
        ("broadcastPerMinute", "`POST /broadcast` requests in a window of 60 seconds."),
        ("readPerMinute", "Other requests in a window of 60 seconds."),
        ("recipientsPerBroadcast", "The most recipients of a broadcast."),
        ("smsCharacters", "The longest `body` of an SMS, in Unicode characters."),
        ("mmsCharacters", "The longest `body` of an MMS, in Unicode characters."),
    ];
    all_of(&fields)
}

/// An object of counts, each of them always there.
fn all_of(fields: &[(&str, &str)]) -> Value {
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<String, Value> =
        fields.iter().map(|(name, description)| ((*name).to_owned(), count(description))).collect();
    object(&names, &properties.into())
}

fn quota() -> Value {
    object(
        &["limit", "used", "left", "resetsAt"],
        &json!({
            "limit": count("Recipients that a UTC day has."),
            "used": count("Recipients of today, in the key's world."),
            "left": count("Recipients that are left today."),
            "resetsAt": time("When `used` is 0 again: midnight UTC."),
        }),
    )
}

fn screening() -> Value {
    let action = |texts: &str| one_of(&["block", "flag", "off"], &format!("What becomes of texts {texts}."));
    let texts = json!({ "type": "string" });
    let category = json!({ "type": "string", "enum": Category::ALL.map(Category::name) });
    object(
        &["sure", "unsure", "exempt", "allowedDomains", "allowedPhrases"],
        &json!({
            "sure": action("of which the screen is sure"),
            "unsure": action("of which it is unsure"),
            "exempt": list(&category, "Categories that the account may send."),
            "allowedDomains": list(&texts, "Domains that the operator takes for the account's own."),
            "allowedPhrases": list(&texts, "Phrases that the screen passes over."),
        }),
    )
}

fn retention() -> Value {
    let days = |description: &str| json!({ "type": ["integer", "null"], "minimum": 0, "description": description });
    object(
        &["textDays", "messageDays"],
        &json!({
            "textDays": days("For how many days texts and media are kept; 0 until the message has ended, `null` for \
                ever."),
            "messageDays": days("For how many days messages are kept; `null` for ever."),
        }),
    )
}

fn number() -> Value {
    let capabilities = object(
        &["send", "receive"],
        &json!({
            "send": flag("A message from it is accepted."),
            "receive": flag("What handsets send to it comes to you."),
        }),
    );
    object(
        &["number", "kind", "state", "capabilities", "segmentsPerSecond", "createdAt"],
        &json!({
            "number": text("The number in E.164 form, the short code or the name."),
            "kind": one_of(&SenderKind::ALL.map(SenderKind::as_str), "Which of them it is."),
            "state": one_of(&NumberState::ALL.map(NumberState::as_str), "Its state with the operator."),
            "capabilities": capabilities,
            "segmentsPerSecond": {
                "type": ["integer", "null"],
                "minimum": 1,
                "description": "How many segments a second leave from it; `null` for no pace of its own.",
            },
            "createdAt": time("When the platform got it."),
        }),
    )
}

fn date(description: &str) -> Value {
    json!({ "type": "string", "format": "date", "description": description })
}

fn usage() -> Value {
    let counts = "The counts, oldest day first. What there is nothing of is left out.";
    object(
        &["from", "to", "by", "data"],
        &json!({
            "from": date("The first day."),
            "to": date("The last day."),
            "by": { "const": "day" },
            "data": list(&reference("UsageCount"), counts),
        }),
    )
}

fn usage_count() -> Value {
    let statuses: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).chain(["received"]).collect();
    object(
        &["day", "direction", "messageType", "status", "messages", "segments"],
        &json!({
            "day": date("The UTC day in which they were accepted, or came."),
            "direction": one_of(&["outbound", "inbound"], "Which way they go."),
            "messageType": one_of(&[MessageType::Sms.as_str(), MessageType::Mms.as_str()], "SMS or MMS."),
            "status": one_of(&statuses, "Where they stand now."),
            "messages": count("How many there are."),
            "segments": count("How many segments they have together."),
        }),
    )
}
