//! The server: overview, nodes, configuration, hold, probes. And endpoints of accounts.

use serde_json::{Map, Value, json};

use super::{account_id, body, extended, mode, one_of_or_null, time_or_null, whole};
use openapi::parts::reference;
use openapi::schemas::{count, flag, list, object, one_of, text, text_or_null, time};

pub(super) fn all(public: &Map<String, Value>) -> Vec<(&'static str, Value)> {
    vec![
        ("Webhook", webhook(public)),
        ("Replay", replay()),
        ("Overview", overview()),
        ("AnsweringNode", answering()),
        ("Throughput", whole(&throughput(&per_second))),
        ("ThroughputSeries", series()),
        ("Queue", queue()),
        ("FailingWebhooks", failing()),
        ("Attention", attention()),
        ("Node", node()),
        ("ReloadReport", report()),
        (
            "ReloadEntry",
            whole(&json!({ "key": text("The key; empty for the whole file."), "detail": text("The result.") })),
        ),
        ("Hold", hold()),
        ("EndedHeld", ended()),
        ("Released", whole(&json!({ "released": flag("Whether the store was held.") }))),
        ("Health", whole(&json!({ "status": { "const": "ok" } }))),
        ("Readiness", readiness()),
    ]
}

fn webhook(public: &Map<String, Value>) -> Value {
    let more = json!({ "accountId": account_id("Its account."), "mode": mode() });
    extended(public, "Webhook", &more, &["secret"])
}

fn replay() -> Value {
    body(
        &[],
        &json!({
            "eventIds": {
                "type": ["array", "null"],
                "items": { "type": "string" },
                "minItems": 1,
                "maxItems": 100,
                "description": "The ids of the events. Not together with `since`.",
            },
            "since": time_or_null("Events at this time and later."),
            "until": time_or_null("Events before this time."),
            "status": one_of_or_null(&["pending", "succeeded", "failed"], "Only deliveries with this status."),
        }),
    )
}

fn overview() -> Value {
    let or_null = |schema: &str| json!({ "oneOf": [reference(schema), { "type": "null" }] });
    whole(&json!({
        "at": time("The time of the answer."),
        "node": reference("AnsweringNode"),
        "now": reference("Throughput"),
        "hour": or_null("ThroughputSeries"),
        "day": or_null("ThroughputSeries"),
        "queue": list(&reference("Queue"), "The queue of each carrier."),
        "carriers": list(&reference("Carrier"), "The carriers."),
        "webhooks": reference("FailingWebhooks"),
        "attention": list(&reference("Attention"), "What needs attention, most urgent first."),
    }))
}

fn answering() -> Value {
    whole(&json!({
        "name": text("The name of the node that answers."),
        "epoch": count("Its epoch."),
        "of": count("The nodes that run."),
    }))
}

fn per_second(messages: &str) -> Value {
    json!({ "type": "number", "minimum": 0, "description": format!("{messages}.") })
}

/// A field for each count of messages.
fn throughput(field: &impl Fn(&str) -> Value) -> Value {
    json!({
        "accepted": field("Accepted messages a second"),
        "sent": field("Messages a second that carriers accepted"),
        "delivered": field("Delivered messages a second"),
        "failed": field("Failed and undelivered messages a second"),
    })
}

fn series() -> Value {
    let steps =
        |messages: &str| list(&json!({ "type": "number", "minimum": 0 }), &format!("{messages}, oldest step first."));
    let mut fields = throughput(&steps);
    fields["stepSecs"] = count("The length of a step in seconds.");
    fields["beginsAt"] = time_or_null("The beginning of the first step; `null` without a step.");
    whole(&fields)
}

fn queue() -> Value {
    whole(&json!({
        "carrier": text_or_null("The carrier; `null` for messages without a route."),
        "queued": count("Messages that wait."),
        "oldestAt": time_or_null("The time since which the oldest of them waits: its acceptance, or its `sendAt`."),
    }))
}

fn failing() -> Value {
    whole(&json!({
        "endpoints": count("All endpoints."),
        "failing": list(&reference("Webhook"), "Endpoints that fail or were disabled, 50 at most."),
    }))
}

fn attention() -> Value {
    whole(&json!({
        "kind": text("The kind in a word, such as `carrierDown`."),
        "sentence": text("The fault."),
        "since": time_or_null("The time at which it began, if it is known."),
        "whatToDo": text("The next step."),
        "about": text_or_null("The carrier, the endpoint or the node."),
    }))
}

fn node() -> Value {
    whole(&json!({
        "name": text("Its name."),
        "epoch": count("Its epoch."),
        "state": one_of(&["running", "draining", "over"], "Its state."),
        "version": text("Its version."),
        "joinedAt": time("The time of its start."),
        "renewedUntil": time("The end of its lease, unless it renews the lease."),
        "carriers": list(&json!({ "type": "string" }), "The carriers that it sends to."),
        "answering": flag("Whether it is the node that answers."),
    }))
}

fn report() -> Value {
    let entries = |description: &str| list(&reference("ReloadEntry"), description);
    whole(&json!({
        "outcome": one_of(&["reloaded", "unchanged", "refused"], "The outcome."),
        "summary": text("The report in a sentence."),
        "applied": entries("Changes that were applied."),
        "needsRestart": entries("Changes that need a restart."),
        "mistakes": entries("Mistakes, because of which nothing changed."),
    }))
}

fn hold() -> Value {
    whole(&json!({
        "at": time("The time of this answer, by the clock of the server."),
        "held": flag("Whether the store was restored and is held."),
        "since": time_or_null("The time of the restore."),
        "backedUpAt": time_or_null("The time of the backup."),
        "queuedMessages": count("Messages that wait."),
        "underWay": count("Messages among them that were under way to a carrier."),
        "openBroadcasts": count("Broadcasts that are not complete."),
        "recipientsToCome": count("Their recipients that have no message yet."),
        "scheduledMessages": count("Messages whose `sendAt` is still to come: none has left."),
        "overdueMessages": count("Scheduled messages whose `sendAt` is past: each may have left."),
    }))
}

fn ended() -> Value {
    whole(&json!({
        "canceledBroadcasts": count("Broadcasts that were canceled."),
        "endedMessages": count("Messages that were ended."),
    }))
}

fn readiness() -> Value {
    object(
        &["status", "draining", "store", "tasks"],
        &json!({
            "status": one_of(&["ready", "unavailable"], "Whether the server accepts messages."),
            "draining": flag("Whether the process ends or an operator drains the node."),
            "store": text("`ok`, or the fault of the store."),
            "tasks": text("`ok`, or the task that failed."),
            "node": text("The reason why the node is over."),
            "held": text("The hold of the store."),
        }),
    )
}
