//! Logs of events, and what became of them at endpoints.

use super::super::value::Kind::{Flag, Foreign, Id, Long, Octets, Short, Text};
use super::{PLAIN, Table};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "webhook_logs",
        from: "webhook_logs l",
        walk: &["l.log"],
        key: &["log"],
        numbered_by: Some("log"),
        columns: &[
            ("log", Long, "l.log"),
            ("account_id", Id, "l.account_id"),
            ("test", Flag, "l.test"),
            ("last", Long, "max(l.base, coalesce((SELECT max(e.seq) FROM webhook_events e WHERE e.log = l.log), 0))"),
            ("followed_until", Long, "l.followed_until"),
        ],
        ..PLAIN
    },
    Table {
        name: "webhook_events",
        from: "webhook_events",
        walk: &["log", "seq"],
        key: &["log", "seq"],
        columns: &[
            ("log", Long, "log"),
            ("seq", Long, "seq"),
            ("at", Long, "at"),
            ("type", Short, "type"),
            ("sequence", Long, "sequence"),
            ("facts", Octets, "facts"),
        ],
        ..PLAIN
    },
    Table {
        name: "webhook_sequences",
        from: "webhook_sequences",
        walk: &["log", "resource"],
        key: &["log", "resource"],
        columns: &[("log", Long, "log"), ("resource", Octets, "resource"), ("last", Long, "last"), ("at", Long, "at")],
        ..PLAIN
    },
    Table {
        name: "webhook_endpoints",
        from: "webhook_endpoints",
        walk: &["webhook"],
        key: &["webhook"],
        numbered_by: Some("webhook"),
        columns: &[
            ("webhook", Long, "webhook"),
            ("id", Id, "id"),
            ("log", Long, "log"),
            ("url", Foreign, "url"),
            ("events", Text, "events"),
            ("description", Foreign, "description"),
            ("active", Flag, "active"),
            ("ordering", Text, "ordering"),
            ("broadcast_messages", Flag, "broadcast_messages"),
            ("format", Text, "format"),
            ("created_at", Long, "created_at"),
            ("disabled_reason", Text, "disabled_reason"),
            ("disabled_at", Long, "disabled_at"),
            ("position", Long, "position"),
            ("failing_since", Long, "failing_since"),
            ("failing_attempts", Long, "failing_attempts"),
            ("removed", Flag, "removed"),
        ],
        ..PLAIN
    },
    Table {
        name: "webhook_secrets",
        from: "webhook_secrets",
        walk: &["webhook", "number"],
        key: &["webhook", "number"],
        columns: &[
            ("webhook", Long, "webhook"),
            ("number", Long, "number"),
            ("sealed", Octets, "sealed"),
            ("ends_at", Long, "ends_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "webhook_deliveries",
        from: "webhook_deliveries",
        walk: &["webhook", "seq"],
        key: &["webhook", "seq"],
        columns: &[
            ("webhook", Long, "webhook"),
            ("seq", Long, "seq"),
            ("type", Short, "type"),
            ("at", Long, "at"),
            ("state", Short, "state"),
            ("tries", Long, "tries"),
            ("due_at", Long, "due_at"),
            ("attempts", Octets, "attempts"),
            ("resource", Octets, "resource"),
            ("body", Foreign, "body"),
        ],
        ..PLAIN
    },
    Table {
        name: "webhook_replays",
        from: "webhook_replays",
        walk: &["replay"],
        key: &["replay"],
        numbered_by: Some("replay"),
        columns: &[
            ("replay", Long, "replay"),
            ("webhook", Long, "webhook"),
            ("next_seq", Long, "next_seq"),
            ("end_seq", Long, "end_seq"),
            ("state", Short, "state"),
        ],
        ..PLAIN
    },
];
