-- The persons who run the platform. password is a hash in the PHC string format; NULL for who has none.
CREATE TABLE operators (
    name        TEXT    NOT NULL PRIMARY KEY,
    role        TEXT    NOT NULL,
    password    TEXT,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER
) WITHOUT ROWID;

-- Links with which an operator signs in once, by the digests of their tokens.
CREATE TABLE operator_links (
    digest     BLOB    NOT NULL PRIMARY KEY,
    operator   TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX operator_links_of ON operator_links (operator);
CREATE INDEX operator_links_end ON operator_links (expires_at);

-- Sessions of operators, by the digests of their tokens.
CREATE TABLE operator_sessions (
    digest   BLOB    NOT NULL PRIMARY KEY,
    operator TEXT    NOT NULL,
    began_at INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX operator_sessions_of ON operator_sessions (operator);
CREATE INDEX operator_sessions_end ON operator_sessions (seen_at);

-- What operators change: an entry before the change, and its outcome after it. Rows are only added, until they are old.
CREATE TABLE audit_log (
    id         BLOB    NOT NULL PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor_kind TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    address    TEXT,
    via        TEXT    NOT NULL,
    method     TEXT    NOT NULL,
    route      TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    request    TEXT,
    before     TEXT
) WITHOUT ROWID;
CREATE INDEX audit_log_of ON audit_log (actor, id);

CREATE TABLE audit_outcomes (
    id     BLOB    NOT NULL PRIMARY KEY,
    at     INTEGER NOT NULL,
    status INTEGER NOT NULL,
    after  TEXT
) WITHOUT ROWID;
