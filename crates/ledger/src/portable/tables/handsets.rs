//! What handsets sent, and who wants no messages.

use super::super::value::Kind::{Flag, Foreign, Id, Long, Number, Octets, Short, Text};
use super::{PLAIN, Table};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "inbound",
        from: "inbound",
        walk: &["id"],
        key: &["id"],
        columns: &[
            ("id", Id, "id"),
            ("account_id", Id, "account_id"),
            ("test", Flag, "mode = 'test'"),
            ("kind", Text, "kind"),
            ("sender", Foreign, "sender"),
            ("recipient", Foreign, "recipient"),
            ("body", Foreign, "body"),
            ("octets", Octets, "octets"),
            ("encoding", Text, "encoding"),
            ("segments", Number, "segments"),
            ("missing", Octets, "missing"),
            ("keyword_kind", Text, "keyword_kind"),
            ("keyword", Foreign, "keyword"),
            ("suspected", Flag, "suspected"),
            ("media", Foreign, "media"),
            ("others", Long, "others"),
            ("carrier", Text, "carrier"),
            ("received_at", Long, "received_at"),
            ("created_at", Long, "created_at"),
            ("erased_at", Long, "erased_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "inbound_others",
        from: "inbound_others",
        walk: &["message_id", "place"],
        key: &["message_id", "place"],
        columns: &[("message_id", Id, "message_id"), ("place", Number, "place"), ("address", Foreign, "address")],
        ..PLAIN
    },
    Table {
        name: "inbound_media",
        from: "inbound_media",
        walk: &["media_id", "message_id"],
        key: &["media_id", "message_id"],
        columns: &[("media_id", Id, "media_id"), ("message_id", Id, "message_id")],
        ..PLAIN
    },
    Table {
        name: "inbound_objects_gone",
        from: "inbound_objects_gone",
        walk: &["name"],
        key: &["name"],
        columns: &[("name", Text, "name")],
        ..PLAIN
    },
    Table {
        name: "inbound_joins",
        from: "inbound_joins",
        walk: &["id"],
        key: &["id"],
        numbered_by: Some("id"),
        columns: &[
            ("id", Long, "id"),
            ("carrier", Text, "carrier"),
            ("sender", Foreign, "sender"),
            ("recipient", Foreign, "recipient"),
            ("form", Short, "form"),
            ("reference", Number, "reference"),
            ("total", Number, "total"),
            ("elements", Octets, "elements"),
            ("state", Short, "state"),
            ("first_at", Long, "first_at"),
            ("last_at", Long, "last_at"),
            ("message_id", Id, "message_id"),
            ("forget_at", Long, "forget_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "inbound_parts",
        from: "inbound_parts",
        walk: &["join_id", "number"],
        key: &["join_id", "number"],
        columns: &[("join_id", Long, "join_id"), ("number", Number, "number"), ("content", Octets, "content")],
        ..PLAIN
    },
    Table {
        name: "inbound_arrivals",
        from: "inbound_arrivals",
        walk: &["id"],
        key: &["id"],
        numbered_by: Some("id"),
        columns: &[("id", Long, "id"), ("digest", Octets, "digest"), ("at", Long, "at")],
        ..PLAIN
    },
    Table {
        name: "opt_outs",
        from: "opt_outs",
        walk: &["id"],
        key: &["id"],
        numbered_by: Some("id"),
        columns: &[
            ("id", Long, "id"),
            ("account_id", Id, "account_id"),
            ("test", Flag, "mode = 'test'"),
            ("number", Long, "number"),
            ("sender", Text, "sender"),
            ("source", Text, "source"),
            ("keyword", Foreign, "keyword"),
            ("message_id", Id, "message_id"),
            ("reason", Foreign, "reason"),
            ("at", Long, "at"),
        ],
        ..PLAIN
    },
    Table {
        name: "opt_out_history",
        from: "opt_out_history",
        walk: &["id"],
        key: &["id"],
        numbered_by: Some("id"),
        columns: &[
            ("id", Long, "id"),
            ("account_id", Id, "account_id"),
            ("test", Flag, "mode = 'test'"),
            ("number", Long, "number"),
            ("sender", Text, "sender"),
            ("is_out", Flag, "is_out"),
            ("source", Text, "source"),
            ("keyword", Foreign, "keyword"),
            ("message_id", Id, "message_id"),
            ("reason", Foreign, "reason"),
            ("at", Long, "at"),
        ],
        ..PLAIN
    },
    Table {
        name: "automatic_messages",
        from: "automatic_messages",
        walk: &["number", "account_id", "mode", "sender", "at", "message_id"],
        key: &["number", "account_id", "test", "sender", "at", "message_id"],
        columns: &[
            ("number", Long, "number"),
            ("account_id", Id, "account_id"),
            ("test", Flag, "mode = 'test'"),
            ("sender", Text, "sender"),
            ("at", Long, "at"),
            ("message_id", Id, "message_id"),
            ("kind", Text, "kind"),
        ],
        ..PLAIN
    },
];
