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
            "name": text("The name of the account."),
            "mode": one_of(&[Mode::Live.as_str(), Mode::Test.as_str()], "The mode of the key."),
            "createdAt": time("The time of its creation."),
            "limits": limits(),
            "quota": quota(),
            "senderKinds": list(&kinds, "The kinds of senders that clients may use."),
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
            "limit": count("The recipients that a UTC day allows."),
            "used": count("The recipients used today, in the mode of the key."),
            "left": count("The recipients left today."),
            "resetsAt": time("The time at which `used` becomes 0 again: midnight UTC."),
        }),
    )
}

fn screening() -> Value {
    let action = |texts: &str| one_of(&["block", "flag", "off"], &format!("The action on texts {texts}."));
    let texts = json!({ "type": "string" });
    let category = json!({ "type": "string", "enum": Category::ALL.map(Category::name) });
    object(
        &["sure", "unsure", "exempt", "allowedDomains", "allowedPhrases"],
        &json!({
            "sure": action("of which the screen is sure"),
            "unsure": action("of which the screen is unsure"),
            "exempt": list(&category, "Categories that the account may send."),
            "allowedDomains": list(&texts, "The account's own domains, as the operator listed them."),
            "allowedPhrases": list(&texts, "Phrases that the screen ignores."),
        }),
    )
}

fn retention() -> Value {
    let days = |description: &str| json!({ "type": ["integer", "null"], "minimum": 0, "description": description });
    object(
        &["textDays", "messageDays"],
        &json!({
            "textDays": days("The days for which texts and media are kept; 0 removes them when the message has ended, \
                `null` keeps them forever."),
            "messageDays": days("The days for which messages are kept; `null` keeps them forever."),
        }),
    )
}

fn number() -> Value {
    let capabilities = object(
        &["send", "receive"],
        &json!({
            "send": flag("Whether messages from it are accepted."),
            "receive": flag("Whether you get the inbound messages to it."),
        }),
    );
    object(
        &["number", "kind", "state", "capabilities", "segmentsPerSecond", "createdAt"],
        &json!({
            "number": text("The number in E.164 form, the short code or the name."),
            "kind": one_of(&SenderKind::ALL.map(SenderKind::as_str), "The kind of the sender."),
            "state": one_of(&NumberState::ALL.map(NumberState::as_str), "Its state."),
            "capabilities": capabilities,
            "segmentsPerSecond": {
                "type": ["integer", "null"],
                "minimum": 1,
                "description": "Its pace in segments a second; `null` for no pace of its own.",
            },
            "createdAt": time("The time at which it was added."),
        }),
    )
}

fn date(description: &str) -> Value {
    json!({ "type": "string", "format": "date", "description": description })
}

fn usage() -> Value {
    let counts = "The counts, oldest day first. Rows without a message are left out.";
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
            "day": date("The UTC day of acceptance or, for inbound messages, of arrival."),
            "direction": one_of(&["outbound", "inbound"], "The direction."),
            "messageType": one_of(&[MessageType::Sms.as_str(), MessageType::Mms.as_str()], "SMS or MMS."),
            "status": one_of(&statuses, "The present status."),
            "messages": count("The number of messages."),
            "segments": count("The number of their segments."),
        }),
    )
}
