//! Who runs the platform, and what they changed. Links and sessions are copied too: an operator who is signed in stays
//! so.

use super::super::value::Kind::{Foreign, Id, Long, Octets, Text};
use super::{PLAIN, Table};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "operators",
        from: "operators",
        walk: &["name"],
        key: &["name"],
        columns: &[
            ("name", Text, "name"),
            ("role", Text, "role"),
            ("password", Text, "password"),
            ("created_at", Long, "created_at"),
            ("disabled_at", Long, "disabled_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "operator_links",
        from: "operator_links",
        walk: &["digest"],
        key: &["digest"],
        columns: &[("digest", Octets, "digest"), ("operator", Text, "operator"), ("expires_at", Long, "expires_at")],
        ..PLAIN
    },
    Table {
        name: "operator_sessions",
        from: "operator_sessions",
        walk: &["digest"],
        key: &["digest"],
        columns: &[
            ("digest", Octets, "digest"),
            ("operator", Text, "operator"),
            ("began_at", Long, "began_at"),
            ("seen_at", Long, "seen_at"),
        ],
        ..PLAIN
    },
    Table {
        name: "audit_log",
        from: "audit_log",
        walk: &["id"],
        key: &["id"],
        columns: &[
            ("id", Id, "id"),
            ("at", Long, "at"),
            ("actor_kind", Text, "actor_kind"),
            ("actor", Foreign, "actor"),
            ("address", Text, "address"),
            ("via", Text, "via"),
            ("method", Foreign, "method"),
            ("route", Foreign, "route"),
            ("path", Foreign, "path"),
            ("request", Foreign, "request"),
            ("before", Foreign, "before"),
        ],
        ..PLAIN
    },
    Table {
        name: "audit_outcomes",
        from: "audit_outcomes",
        walk: &["id"],
        key: &["id"],
        columns: &[("id", Id, "id"), ("at", Long, "at"), ("status", Long, "status"), ("after", Foreign, "after")],
        ..PLAIN
    },
];
