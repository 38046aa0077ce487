-- Times are milliseconds since 1970 in UTC; ids are the 16 bytes of a UUIDv7; states are the words of the API.

CREATE TABLE accounts (
    id                   BLOB    NOT NULL PRIMARY KEY,
    name                 TEXT    NOT NULL,
    state                TEXT    NOT NULL,
    message_per_minute   INTEGER NOT NULL,
    broadcast_per_minute INTEGER NOT NULL,
    read_per_minute      INTEGER NOT NULL,
    daily_quota          INTEGER NOT NULL,
    created_at           INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE keys (
    id         TEXT    NOT NULL PRIMARY KEY,
    account_id BLOB    NOT NULL REFERENCES accounts (id),
    mode       TEXT    NOT NULL,
    digest     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) WITHOUT ROWID;

CREATE TABLE numbers (
    number     TEXT    NOT NULL PRIMARY KEY,
    account_id BLOB    REFERENCES accounts (id),
    state      TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- An empty account_id blocks the number for every account.
CREATE TABLE blocks (
    number     TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    account_id BLOB    NOT NULL,
    reason     TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (number, kind, account_id)
) WITHOUT ROWID;

-- What was asked for. Never updated. The key is the order of an account's list.
CREATE TABLE messages (
    account_id   BLOB    NOT NULL,
    id           BLOB    NOT NULL,
    broadcast_id BLOB,
    direction    TEXT    NOT NULL,
    mode         TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    originator   TEXT    NOT NULL,
    recipient    TEXT    NOT NULL,
    body         TEXT,
    media_url    TEXT,
    encoding     TEXT    NOT NULL,
    segments     INTEGER NOT NULL,
    reference    INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, id)
) WITHOUT ROWID;

-- What became of it: one narrow row, because it is the one that changes. The masks have bit n for segment n + 1, and segments says how many
-- there are, in the cut of the carrier that it stands with.
-- A queued message may be leased from due_at on; a lease moves due_at to its own end and puts its token in lease.
CREATE TABLE delivery (
    message_id         BLOB    NOT NULL PRIMARY KEY,
    account_id         BLOB    NOT NULL,
    status             TEXT    NOT NULL,
    carrier            TEXT    NOT NULL,
    due_at             INTEGER NOT NULL,
    lease              INTEGER NOT NULL,
    expires_at         INTEGER NOT NULL,
    segments           INTEGER NOT NULL,
    attempts           INTEGER NOT NULL DEFAULT 0,
    in_flight          INTEGER NOT NULL DEFAULT 0,
    held               INTEGER NOT NULL DEFAULT 0,
    unknown_outcomes   INTEGER NOT NULL DEFAULT 0,
    accepted_segments  INTEGER NOT NULL DEFAULT 0,
    delivered_segments INTEGER NOT NULL DEFAULT 0,
    lost_segments      INTEGER NOT NULL DEFAULT 0,
    sent_at            INTEGER,
    delivered_at       INTEGER,
    failed_at          INTEGER,
    error_type         TEXT,
    error_message      TEXT
) WITHOUT ROWID;

-- Only what waits is indexed, so that these stay small and a message leaves them when a carrier takes it.
CREATE INDEX delivery_due ON delivery (carrier, account_id, due_at) WHERE status = 'queued';
CREATE INDEX delivery_expiry ON delivery (expires_at) WHERE status = 'queued';

-- Segments that a carrier took, filed under the carrier's id in canonical form: each one of total. A segment's fate is empty until it is known.
CREATE TABLE segments (
    carrier    TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    message_id BLOB    NOT NULL,
    number     INTEGER NOT NULL,
    total      INTEGER NOT NULL,
    recipient  TEXT    NOT NULL,
    fate       TEXT    NOT NULL,
    PRIMARY KEY (carrier, key, message_id, number)
) WITHOUT ROWID;

-- Receipts that came before their acknowledgement, and the keys under which that may file its segment.
CREATE TABLE parked_receipts (
    id        INTEGER PRIMARY KEY,
    carrier   TEXT    NOT NULL,
    addresses TEXT    NOT NULL,
    fate      TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    detail    TEXT    NOT NULL
);
CREATE TABLE parked_keys (
    carrier   TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    parked_id INTEGER NOT NULL,
    PRIMARY KEY (carrier, key, parked_id)
) WITHOUT ROWID;
CREATE INDEX parked_keys_of ON parked_keys (parked_id);

-- The life of every message. Only ever added to.
CREATE TABLE events (
    message_id BLOB    NOT NULL,
    seq        INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    carrier    TEXT,
    attempt    INTEGER,
    detail     TEXT    NOT NULL,
    PRIMARY KEY (message_id, seq)
) WITHOUT ROWID;

CREATE TABLE idempotency (
    account_id  BLOB    NOT NULL,
    endpoint    TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    message_id  BLOB    NOT NULL,
    answer      TEXT,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (account_id, endpoint, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE quota (
    account_id BLOB    NOT NULL,
    day        INTEGER NOT NULL,
    used       INTEGER NOT NULL,
    PRIMARY KEY (account_id, day)
) WITHOUT ROWID;

-- One row that a probe rewrites, to learn whether a write would succeed.
CREATE TABLE probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
);
