//! Messages, and what became of them. What a carrier has not taken is in `queue` as well, what leaves later in
//! `schedule`, what ended without arriving in `failures`, and what waits for receipts in `receipt_waits`.
//!
//! Leases end with the process that had them: what was leased is due. An attempt that was under way counts as one whose
//! answer never came. A receipt that is parked is looked at once more: the attempt that it may have waited for is over.

use super::super::value::Kind::{Flag, Foreign, Id, Instant, Long, Number, Octets, Short, Text};
use super::{PLAIN, Table};

/// Rows of before SQLite noted the mode have it with the message alone.
const TEST: &str = "coalesce(d.test, (SELECT m.mode = 'test' FROM messages m WHERE m.account_id = d.account_id \
    AND m.id = d.message_id))";

/// Likewise what is counted of a message.
const KIND: &str = "coalesce(d.kind, (SELECT m.kind FROM messages m WHERE m.account_id = d.account_id \
    AND m.id = d.message_id))";
const COUNTED: &str = "coalesce(d.counted_segments, (SELECT m.segments FROM messages m \
    WHERE m.account_id = d.account_id AND m.id = d.message_id))";

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "messages",
        has_weeks: true,
        from: "messages",
        walk: &["account_id", "id"],
        key: &["id"],
        columns: &[
            ("id", Id, "id"),
            ("account_id", Id, "account_id"),
            ("test", Flag, "mode = 'test'"),
            ("broadcast_id", Id, "broadcast_id"),
            ("direction", Text, "direction"),
            ("kind", Text, "kind"),
            ("originator", Text, "originator"),
            ("recipient", Text, "recipient"),
            ("body", Foreign, "body"),
            ("media_url", Foreign, "media_url"),
            ("media_id", Id, "media_id"),
            ("encoding", Text, "encoding"),
            ("segments", Number, "segments"),
            ("reference", Number, "reference"),
            ("client_reference", Text, "client_reference"),
            ("automatic", Text, "automatic"),
            ("status_callback", Foreign, "status_callback"),
            ("created_at", Long, "created_at"),
            ("send_at", Long, "send_at"),
            ("expires_at", Long, "expires_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "delivery",
        has_weeks: true,
        from: "delivery d",
        walk: &["d.message_id"],
        key: &["message_id"],
        columns: &[
            ("message_id", Id, "d.message_id"),
            ("account_id", Id, "d.account_id"),
            ("test", Flag, TEST),
            ("broadcast_id", Id, "d.broadcast_id"),
            ("status", Text, "d.status"),
            ("carrier", Text, "d.carrier"),
            ("segments", Number, "d.segments"),
            ("attempts", Long, "d.attempts"),
            ("held", Flag, "d.held"),
            ("unknown_outcomes", Long, "d.unknown_outcomes"),
            ("queued_at", Long, "d.queued_at"),
            ("accepted_segments", Long, "d.accepted_segments"),
            ("delivered_segments", Long, "d.delivered_segments"),
            ("lost_segments", Long, "d.lost_segments"),
            ("sent_at", Long, "d.sent_at"),
            ("delivered_at", Long, "d.delivered_at"),
            ("failed_at", Long, "d.failed_at"),
            ("error_type", Text, "d.error_type"),
            ("error_message", Foreign, "d.error_message"),
            ("receipt_by", Long, "d.receipt_by"),
            ("receipt_missing", Flag, "d.receipt_missing"),
            ("erased_at", Long, "d.erased_at"),
            ("shares", Text, "d.shares"),
            ("kind", Text, KIND),
            ("counted_segments", Number, COUNTED),
        ],
        ..PLAIN
    },
    Table {
        name: "queue",
        from: "delivery d CROSS JOIN messages m ON m.account_id = d.account_id AND m.id = d.message_id",
        only: "d.status = 'queued'",
        walk: &["d.message_id"],
        key: &["message_id"],
        columns: &[
            ("message_id", Id, "d.message_id"),
            ("account_id", Id, "d.account_id"),
            ("test", Flag, "m.mode = 'test'"),
            ("carrier", Text, "d.carrier"),
            ("lane", Short, "d.lane"),
            ("due_at", Long, "iif(d.lease = 0, d.due_at, min(d.due_at, m.created_at))"),
            ("lease", Long, "0"),
            ("attempts", Long, "d.attempts"),
            ("attempt_began", Instant(1), "d.in_flight"),
            ("held", Flag, "d.held"),
            ("expires_at", Long, "d.expires_at"),
            ("recipient", Long, "CAST(ltrim(m.recipient, '+') AS INTEGER)"),
            ("originator", Text, "m.originator"),
            ("broadcast_id", Id, "d.broadcast_id"),
            ("media_id", Id, "d.media_id"),
            ("queued_at", Long, "d.queued_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "schedule",
        from: "delivery d",
        only: "d.status = 'scheduled'",
        walk: &["d.message_id"],
        key: &["message_id"],
        columns: &[
            ("message_id", Id, "d.message_id"),
            ("account_id", Id, "d.account_id"),
            ("test", Flag, TEST),
            ("send_at", Long, "d.due_at"),
            ("media_id", Id, "d.media_id"),
        ],
        ..PLAIN
    },
    Table {
        name: "receipt_waits",
        from: "delivery d",
        only: "d.status = 'sent' AND d.receipt_by IS NOT NULL",
        walk: &["d.message_id"],
        key: &["message_id"],
        columns: &[("message_id", Id, "d.message_id"), ("receipt_by", Long, "d.receipt_by")],
        ..PLAIN
    },
    Table {
        name: "failures",
        from: "delivery d",
        only: "d.status IN ('failed', 'undelivered', 'canceled')",
        walk: &["d.message_id"],
        key: &["message_id"],
        columns: &[
            ("message_id", Id, "d.message_id"),
            ("account_id", Id, "d.account_id"),
            ("test", Flag, TEST),
            ("status", Text, "d.status"),
        ],
        ..PLAIN
    },
    Table {
        name: "events",
        has_weeks: true,
        from: "events",
        walk: &["message_id", "seq"],
        key: &["message_id", "seq"],
        columns: &[
            ("message_id", Id, "message_id"),
            ("seq", Number, "seq"),
            ("at", Long, "at"),
            ("kind", Text, "kind"),
            ("carrier", Text, "carrier"),
            ("attempt", Long, "attempt"),
            ("detail", Foreign, "detail"),
        ],
        ..PLAIN
    },
    Table {
        name: "segments",
        has_weeks: true,
        from: "segments",
        walk: &["carrier", "key", "message_id", "number"],
        key: &["message_id", "carrier", "key", "number"],
        columns: &[
            ("carrier", Text, "carrier"),
            ("key", Foreign, "key"),
            ("message_id", Id, "message_id"),
            ("number", Number, "number"),
            ("total", Number, "total"),
            ("recipient", Text, "recipient"),
            ("fate", Text, "fate"),
        ],
        ..PLAIN
    },
    Table {
        name: "unmatched",
        from: "unmatched",
        walk: &["id"],
        key: &["id"],
        numbered_by: Some("id"),
        columns: &[
            ("id", Long, "id"),
            ("carrier", Text, "carrier"),
            ("addresses", Foreign, "addresses"),
            ("says", Text, "says"),
            ("at", Long, "at"),
            ("detail", Foreign, "detail"),
            ("fate", Text, "fate"),
            ("reason", Text, "reason"),
            ("ended_at", Long, "ended_at"),
            ("bytes", Long, "bytes"),
            ("keys", Foreign, "keys"),
            ("scope", Number, "scope"),
            ("raw", Foreign, "raw"),
            ("came", Instant(0), "1"),
            ("waits_for", Id, "CASE fate WHEN 'waiting' THEN x'' END"),
        ],
        ..PLAIN
    },
    Table {
        name: "parked_keys",
        from: "parked_keys",
        walk: &["carrier", "key", "parked_id"],
        key: &["carrier", "key", "parked_id"],
        columns: &[("carrier", Text, "carrier"), ("key", Foreign, "key"), ("parked_id", Long, "parked_id")],
        ..PLAIN
    },
    Table {
        name: "parked_load",
        from: "(SELECT carrier, count(*) AS count, sum(bytes) AS bytes FROM unmatched WHERE fate = 'waiting' \
            GROUP BY carrier)",
        walk: &["carrier"],
        key: &["carrier"],
        columns: &[("carrier", Text, "carrier"), ("count", Long, "count"), ("bytes", Long, "bytes")],
        ..PLAIN
    },
    Table {
        name: "idempotency",
        from: "idempotency",
        walk: &["account_id", "mode", "endpoint", "key"],
        key: &["account_id", "test", "endpoint", "key"],
        columns: &[
            ("account_id", Id, "account_id"),
            ("test", Flag, "mode = 'test'"),
            ("endpoint", Text, "endpoint"),
            ("key", Text, "key"),
            ("fingerprint", Octets, "fingerprint"),
            ("message_id", Id, "message_id"),
            ("form", Number, "form"),
            ("answer", Foreign, "answer"),
            ("created_at", Long, "created_at"),
        ],
        ..PLAIN
    },
];
