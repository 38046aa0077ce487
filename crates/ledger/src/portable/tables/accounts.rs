//! Who may send, and to whom.

use super::super::value::Kind::{Flag, Foreign, Id, Long, Octets, Text};
use super::{PLAIN, Table};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "accounts",
        from: "accounts",
        walk: &["id"],
        key: &["id"],
        columns: &[
            ("id", Id, "id"),
            ("name", Foreign, "name"),
            ("state", Text, "state"),
            ("message_per_minute", Long, "message_per_minute"),
            ("broadcast_per_minute", Long, "broadcast_per_minute"),
            ("read_per_minute", Long, "read_per_minute"),
            ("daily_quota", Long, "daily_quota"),
            ("screening", Foreign, "screening"),
            ("retention", Text, "retention"),
            ("keywords", Foreign, "keywords"),
            ("created_at", Long, "created_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "keys",
        from: "keys",
        walk: &["id"],
        key: &["id"],
        columns: &[
            ("id", Foreign, "id"),
            ("account_id", Id, "account_id"),
            ("test", Flag, "mode = 'test'"),
            ("digest", Octets, "digest"),
            ("pepper", Long, "pepper"),
            ("created_at", Long, "created_at"),
            ("expires_at", Long, "expires_at"),
            ("revoked_at", Long, "revoked_at"),
            ("name", Foreign, "name"),
            ("used_at", Long, "used_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "peppers",
        from: "peppers",
        walk: &["number"],
        key: &["number"],
        columns: &[
            ("number", Long, "number"),
            ("verifier", Octets, "verifier"),
            ("since", Long, "since"),
            ("is_current", Flag, "is_current"),
        ],
        ..PLAIN
    },
    Table {
        name: "numbers",
        from: "numbers",
        walk: &["number"],
        key: &["number"],
        columns: &[
            ("number", Text, "number"),
            ("folded", Text, "folded"),
            ("account_id", Id, "account_id"),
            ("former_account", Id, "former_account"),
            ("state", Text, "state"),
            ("segments_per_second", Long, "segments_per_second"),
            ("keywords", Foreign, "keywords"),
            ("created_at", Long, "created_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "blocks",
        from: "blocks",
        walk: &["number", "kind", "account_id"],
        key: &["number", "kind", "account_id"],
        columns: &[
            ("number", Text, "number"),
            ("kind", Text, "kind"),
            ("account_id", Id, "account_id"),
            ("reason", Foreign, "reason"),
            ("created_at", Long, "created_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "quota",
        from: "quota",
        walk: &["day", "account_id", "mode"],
        key: &["day", "account_id", "test"],
        columns: &[
            ("day", Long, "day"),
            ("account_id", Id, "account_id"),
            ("test", Flag, "mode = 'test'"),
            ("used", Long, "used"),
        ],
        ..PLAIN
    },
    Table {
        name: "daily_usage",
        from: "daily_usage",
        walk: &["account_id", "mode", "day", "kind", "status"],
        key: &["account_id", "test", "day", "kind", "status"],
        columns: &[
            ("account_id", Id, "account_id"),
            ("test", Flag, "mode = 'test'"),
            ("day", Long, "day"),
            ("kind", Text, "kind"),
            ("status", Text, "status"),
            ("messages", Long, "messages"),
            ("segments", Long, "segments"),
        ],
        ..PLAIN
    },
    Table {
        name: "screening_templates",
        from: "screening_templates",
        walk: &["account_id", "id"],
        key: &["account_id", "id"],
        columns: &[
            ("account_id", Id, "account_id"),
            ("id", Id, "id"),
            ("text", Foreign, "text"),
            ("note", Foreign, "note"),
            ("created_at", Long, "created_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "screening_log",
        from: "screening_log",
        walk: &["id"],
        key: &["id"],
        columns: &[
            ("id", Id, "id"),
            ("account_id", Id, "account_id"),
            ("test", Flag, "mode = 'test'"),
            ("at", Long, "at"),
            ("outcome", Text, "outcome"),
            ("certainty", Text, "certainty"),
            ("about", Text, "about"),
            ("originator", Text, "originator"),
            ("categories", Text, "categories"),
            ("findings", Foreign, "findings"),
            ("body", Foreign, "body"),
            ("reviewed_at", Long, "reviewed_at"),
            ("correct", Flag, "correct"),
            ("review_note", Foreign, "review_note"),
        ],
        ..PLAIN
    },
];
