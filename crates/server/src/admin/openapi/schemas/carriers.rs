//! Carriers: their state, their counts, their PDUs.

use carrier::codes::{Answers, Consequence};
use carrier::trace::TRACE_MAX;
use model::unmatched::{Fate, Reason};
use serde_json::{Value, json};

use super::{body, limit, time_or_null, whole};
use openapi::parts::reference;
use openapi::schemas::{count, flag, list, one_of, text, text_or_null, time};

pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("Carrier", whole(&carrier())),
        ("CarrierDetails", details()),
        ("InUse", whole(&json!({ "used": count("The number in use."), "of": count("The maximum.") }))),
        ("CarrierSession", session()),
        ("CarrierCodes", codes()),
        ("Code", code()),
        ("Unmatched", unmatched()),
        ("CarrierTest", test()),
        ("TestStep", step()),
        ("Abandoned", abandoned()),
        ("NewTrace", new_trace()),
        ("Trace", trace()),
        ("Pdu", whole(&pdu())),
        ("CarrierPdu", carrier_pdu()),
    ]
}

fn carrier() -> Value {
    json!({
        "name": text("Its name in the configuration."),
        "state": text("`bound` or (without sessions) `ready`, `binding`, `down`, `throttled`, `refused` (its \
            credentials), `draining`, `closed`, `removed` (from the configuration, with messages that wait), or \
            `unknown` (not in the configuration)."),
        "sessions": reference("InUse"),
        "window": reference("InUse"),
        "queued": count("Messages that wait for it."),
        "sent": count("Messages that it accepted since the start of this node."),
        "delivered": count("Messages that were delivered."),
        "undelivered": count("Messages that were not delivered."),
        "failed": count("Messages that it refused."),
        "submitted": count("Segments that were submitted to it."),
        "throttled": count("Times that it asked for a pause."),
        "unknown": count("Segments of unknown outcome."),
        "throughput": { "type": "number", "minimum": 0, "description": "Segments a second, over the last seconds." },
        "rate": count("The most segments a second; 0 for no limit."),
        "lastError": text_or_null("Its last error."),
        "stoppedAt": time_or_null("The time at which an operator stopped it."),
        "node": text_or_null("The node that sends to it."),
        "oldestQueuedAt": time_or_null("The time since which the oldest message waits: its acceptance, or its \
            `sendAt`."),
    })
}

fn details() -> Value {
    let mut details = whole(&carrier());
    let more = json!({
        "sessionList": list(&reference("CarrierSession"), "Its sessions."),
        "listensAt": text_or_null("The address of the server to which it sends reports."),
        "inMemory": count("Messages in the memory of the dispatcher."),
        "accepted": count("Segments that it accepted."),
        "refused": count("Segments that it refused for good."),
        "receipts": count("Receipts from it."),
        "inbound": count("Inbound messages and parts from it."),
        "inboundSilent": count("Inbound messages that ask to be dropped (Short Message Type 0)."),
        "putOff": count("Receipts and inbound messages that it was asked to send again later."),
        "binds": count("Sessions that were opened."),
        "malformedPdus": count("PDUs that could not be read."),
        "unmatched": counts(&[
            ("unknownId", "Receipts whose ids match no segment."),
            ("unreadable", "Receipts that cannot be read."),
            ("inbound", "Inbound messages that cannot be used."),
        ]),
        "receiptsDropped": counts(&[
            ("noRoom", "Receipts that were dropped for newer ones."),
            ("tooOld", "Receipts that waited too long."),
        ]),
        "receiptsMissing": count("Messages for which the wait for receipts is over."),
        "connectionsRefused": counts(&[
            ("notAllowed", "From an address that is not allowed."),
            ("addressFull", "From an address with too many connections."),
            ("full", "Beyond the limit of the listener."),
        ]),
        "downSince": time_or_null("The beginning of the present outage."),
    });
    if let (Some(properties), Some(more)) = (details["properties"].as_object_mut(), more.as_object()) {
        properties.extend(more.clone());
    }
    details["description"] = "A carrier that is not in the configuration has only the fields of a list.".into();
    details
}

/// An object of counts.
fn counts(fields: &[(&str, &str)]) -> Value {
    let fields = fields.iter().map(|(name, description)| ((*name).to_owned(), count(description)));
    whole(&fields.collect::<serde_json::Map<_, _>>().into())
}

fn session() -> Value {
    whole(&json!({
        "number": count("Its number, from 1."),
        "kind": text("`transceiver`, `transmitter` or `receiver`."),
        "state": text("`connecting`, `binding`, `bound`, `throttled`, `unbinding`, `ending`, `waiting`, `refused` or \
            `closed`."),
        "since": time("The beginning of that state."),
        "window": reference("InUse"),
    }))
}

fn codes() -> Value {
    whole(&json!({
        "data": list(&reference("Code"), "The codes, most frequent first for each kind of answer."),
        "other": count("Answers with codes beyond the first 200."),
        "nextCursor": { "type": "null", "description": "All codes are on one page." },
    }))
}

fn code() -> Value {
    let answers = [Answers::Bind, Answers::Message, Answers::Receipt].map(Answers::as_str);
    let consequences = [
        Consequence::Accepted,
        Consequence::Retry,
        Consequence::Throttled,
        Consequence::Failed,
        Consequence::Unknown,
        Consequence::Refused,
        Consequence::Delivered,
        Consequence::Undelivered,
        Consequence::Nothing,
    ];
    whole(&json!({
        "answers": one_of(&answers, "The request that the code answers."),
        "code": text("The code as the carrier sends it."),
        "name": text_or_null("Its name in the specification, or the state of the receipt."),
        "meaning": text_or_null("Its meaning."),
        "consequence": one_of(&consequences.map(Consequence::as_str), "The consequence for the message or the bind."),
        "count": count("Answers with it since the start."),
    }))
}

fn unmatched() -> Value {
    let texts = json!({ "type": "string" });
    let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    let fates: Vec<&str> = Fate::ALL.iter().map(|fate| fate.as_str()).collect();
    whole(&json!({
        "at": time("The time at which it came."),
        "reason": one_of(&reasons, "The reason why it could not be used."),
        "fate": one_of(&fates, "Its state."),
        "endedAt": time_or_null("The time at which its wait ended."),
        "keys": list(&texts, "The ids with which it was compared."),
        "addresses": list(&texts, "The digits of its addresses."),
        "detail": text("Details: id, state and error."),
        "received": text("Its content, cut, with control characters escaped."),
    }))
}

fn test() -> Value {
    whole(&json!({
        "carrier": text("The carrier."),
        "node": text("The node that tested it."),
        "ok": flag("Whether the carrier can be reached."),
        "sessionsBound": count("Its sessions that are bound."),
        "note": text_or_null("The reason why a refused bind is no fault."),
        "steps": list(&reference("TestStep"), "The steps, up to the first that failed."),
    }))
}

fn step() -> Value {
    whole(&json!({
        "step": text("`settings`, `dns`, `tcp`, `tls`, `bind`, `enquire_link`, `unbind` or `hello`."),
        "ok": flag("Whether it succeeded."),
        "detail": text("The outcome in a sentence."),
        "hint": text_or_null("What to check if it failed."),
        "tookMs": count("Its duration in milliseconds."),
    }))
}

fn abandoned() -> Value {
    whole(&json!({
        "name": text("The carrier."),
        "rerouted": count("Messages that got another carrier."),
        "failed": count("Messages that failed."),
        "held": count("Messages of unknown outcome that stay held."),
    }))
}

fn new_trace() -> Value {
    body(
        &[],
        &json!({
            "seconds": limit(1, TRACE_MAX.as_secs(), "The length of the trace; by default 60."),
            "texts": { "type": "boolean", "default": false, "description": "Whether texts and numbers are shown." },
        }),
    )
}

fn trace() -> Value {
    whole(&json!({
        "carrier": text("The carrier."),
        "node": text("The node that traces it."),
        "on": flag("Whether the trace is under way."),
        "until": time_or_null("The end of the trace."),
        "texts": flag("Whether texts and numbers are shown."),
        "data": list(&reference("Pdu"), "The PDUs, oldest first."),
        "next": count("The `after` of the next request."),
        "missed": count("PDUs that were dropped before they could be read."),
    }))
}

fn pdu() -> Value {
    let field = whole(&json!({ "name": text("Its name in the specification."), "value": text("Its value.") }));
    json!({
        "number": count("Its place among all traced PDUs."),
        "at": time("The time at which it was read or written."),
        "session": { "type": ["integer", "null"], "minimum": 1, "description": "Its session, from 1." },
        "direction": one_of(&["out", "in"], "To the carrier, or from it."),
        "operation": text("Its operation, such as `submit_sm`."),
        "sequence": { "type": ["integer", "null"], "minimum": 0, "description": "Its sequence number." },
        "status": text_or_null("The status of a response."),
        "messageId": text_or_null("Its message, if it is known."),
        "unreadable": text_or_null("The reason why it cannot be read."),
        "fields": list(&field, "Its fields in order."),
    })
}

fn carrier_pdu() -> Value {
    let mut fields = pdu();
    fields["carrier"] = text("The carrier.");
    whole(&fields)
}
