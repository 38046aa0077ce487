//! What is under way: broadcasts, media that messages wait with, erasures, walks through old rows; carriers that are
//! stopped; whether the store is held; and the log of changes.
//!
//! The epochs of the old store are over, and their numbers are not given again.

use super::super::value::Kind::{Flag, Foreign, Id, Long, Number, Octets, Short, Text};
use super::{PLAIN, Table};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "broadcasts",
        from: "broadcasts",
        walk: &["account_id", "id"],
        key: &["id"],
        columns: &[
            ("id", Id, "id"),
            ("account_id", Id, "account_id"),
            ("test", Flag, "mode = 'test'"),
            ("kind", Text, "kind"),
            ("originator", Text, "originator"),
            ("body", Foreign, "body"),
            ("media_url", Foreign, "media_url"),
            ("media_id", Id, "media_id"),
            ("encoding", Text, "encoding"),
            ("segments", Number, "segments"),
            ("total", Long, "total"),
            ("blocked", Long, "blocked"),
            ("client_reference", Text, "client_reference"),
            ("created_at", Long, "created_at"),
            ("expires_at", Long, "expires_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "broadcast_progress",
        from: "broadcast_progress p CROSS JOIN broadcasts b ON b.account_id = p.account_id AND b.id = p.broadcast_id",
        walk: &["p.broadcast_id"],
        key: &["broadcast_id"],
        columns: &[
            ("broadcast_id", Id, "p.broadcast_id"),
            ("account_id", Id, "p.account_id"),
            ("test", Flag, "b.mode = 'test'"),
            ("status", Text, "p.status"),
            ("owner", Long, "0"),
            ("packed", Long, "p.packed"),
            ("next_index", Long, "p.next_index"),
            ("skipped", Long, "p.skipped"),
            ("queued", Long, "p.queued"),
            ("sent", Long, "p.sent"),
            ("delivered", Long, "p.delivered"),
            ("undelivered", Long, "p.undelivered"),
            ("failed", Long, "p.failed"),
            ("taken", Long, "p.taken"),
        ],
        ..PLAIN
    },
    Table {
        name: "broadcast_chunks",
        from: "broadcast_chunks",
        walk: &["broadcast_id", "first"],
        key: &["broadcast_id", "first"],
        columns: &[
            ("broadcast_id", Id, "broadcast_id"),
            ("first", Long, "first"),
            ("recipients", Octets, "recipients"),
            ("variables", Text, "variables"),
        ],
        ..PLAIN
    },
    Table {
        name: "media",
        from: "media",
        walk: &["id"],
        key: &["id"],
        columns: &[
            ("id", Id, "id"),
            ("digest", Octets, "digest"),
            ("kind", Text, "kind"),
            ("bytes", Long, "bytes"),
            ("stored_at", Long, "stored_at"),
            ("unneeded_since", Long, "unneeded_since"),
        ],
        ..PLAIN
    },
    Table {
        name: "nodes",
        from: "nodes",
        walk: &["epoch"],
        key: &["epoch"],
        columns: &[
            ("epoch", Long, "epoch"),
            ("name", Text, "name"),
            ("build", Text, "build"),
            ("joined_at", Long, "joined_at"),
            ("ends_at", Long, "ends_at"),
            ("is_over", Flag, "1"),
        ],
        ..PLAIN
    },
    Table {
        name: "changes",
        from: "changes",
        only: "writer = 1",
        walk: &["writer", "seq"],
        key: &["seq"],
        columns: &[
            ("seq", Long, "seq"),
            ("at", Long, "at"),
            ("kind", Short, "kind"),
            ("account_id", Id, "account_id"),
            ("test", Flag, "test"),
            ("facts", Octets, "facts"),
        ],
        ..PLAIN
    },
    Table {
        name: "change_log",
        from: "(SELECT 1 AS id, coalesce((SELECT last FROM change_writers WHERE writer = 1), 0) AS last)",
        walk: &["id"],
        key: &["id"],
        columns: &[("id", Number, "id"), ("last", Long, "last")],
        ..PLAIN
    },
    Table {
        name: "change_consumers",
        from: "change_consumers c",
        walk: &["c.name"],
        key: &["name"],
        columns: &[
            ("name", Text, "c.name"),
            ("kinds", Long, "c.kinds"),
            (
                "seq",
                Long,
                "coalesce((SELECT r.seq FROM change_cursors r WHERE r.consumer = c.name AND r.writer = 1), 0)",
            ),
        ],
        ..PLAIN
    },
    Table {
        name: "erasures",
        from: "erasures",
        walk: &["id"],
        key: &["id"],
        columns: &[
            ("id", Id, "id"),
            ("digest", Octets, "digest"),
            ("number", Text, "number"),
            ("operator", Foreign, "operator"),
            ("reference", Foreign, "reference"),
            ("began_at", Long, "began_at"),
            ("ended_at", Long, "ended_at"),
            ("messages", Long, "messages"),
            ("canceled", Long, "canceled"),
            ("texts", Long, "texts"),
            ("events", Long, "events"),
            ("media", Long, "media"),
            ("screenings", Long, "screenings"),
            ("receipts", Long, "receipts"),
            ("recipients", Long, "recipients"),
            ("requests", Long, "requests"),
        ],
        ..PLAIN
    },
    Table {
        name: "retention_marks",
        from: "retention_marks",
        walk: &["walk", "account_id"],
        key: &["walk", "account_id"],
        columns: &[
            ("walk", Text, "walk"),
            ("account_id", Id, "account_id"),
            ("carrier", Text, "carrier"),
            ("key", Foreign, "key"),
            ("id", Id, "id"),
            ("number", Long, "number"),
        ],
        ..PLAIN
    },
    Table {
        name: "stopped_carriers",
        from: "stopped_carriers",
        walk: &["carrier"],
        key: &["carrier"],
        columns: &[("carrier", Foreign, "carrier"), ("stopped_at", Long, "stopped_at")],
        ..PLAIN
    },
    Table {
        name: "holds",
        from: "holds",
        walk: &["id"],
        key: &["id"],
        columns: &[("id", Number, "id"), ("since", Long, "since"), ("backed_up_at", Long, "backed_up_at")],
        ..PLAIN
    },
];
