-- Segments a second that leave from a number; NULL for no pace of its own.
ALTER TABLE numbers ADD COLUMN segments_per_second INTEGER;

-- What was asked for. Never updated. The key is the order of an account's list.
CREATE TABLE broadcasts (
    account_id BLOB    NOT NULL,
    id         BLOB    NOT NULL,
    mode       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    originator TEXT    NOT NULL,
    body       TEXT,
    media_url  TEXT,
    encoding   TEXT    NOT NULL,
    segments   INTEGER NOT NULL,
    total      INTEGER NOT NULL,
    blocked    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, id)
) WITHOUT ROWID;

-- How far it has come: one narrow row, because it is the one that changes. Every recipient is counted in one of the columns from
-- skipped to failed. Recipients from next_index on are still in their chunks; those before it have a message or were skipped.
-- taken counts messages that a carrier ever took.
CREATE TABLE broadcast_progress (
    broadcast_id BLOB    NOT NULL PRIMARY KEY,
    account_id   BLOB    NOT NULL,
    status       TEXT    NOT NULL,
    packed       INTEGER NOT NULL,
    next_index   INTEGER NOT NULL,
    skipped      INTEGER NOT NULL,
    queued       INTEGER NOT NULL,
    sent         INTEGER NOT NULL DEFAULT 0,
    delivered    INTEGER NOT NULL DEFAULT 0,
    undelivered  INTEGER NOT NULL DEFAULT 0,
    failed       INTEGER NOT NULL DEFAULT 0,
    taken        INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX broadcast_progress_open ON broadcast_progress (broadcast_id) WHERE status IN ('queued', 'sending');

-- Recipients that have not had their turn: from index first on, each the seven bytes of the number that its digits are, lowest byte first.
-- A chunk is removed when its last recipient has had their turn.
CREATE TABLE broadcast_chunks (
    broadcast_id BLOB    NOT NULL,
    first        INTEGER NOT NULL,
    recipients   BLOB    NOT NULL,
    PRIMARY KEY (broadcast_id, first)
);

-- Which broadcast a message counts in. Single messages of an account go ahead of those of its broadcasts, so that the lane stands
-- before the time in the index of what is due.
ALTER TABLE delivery ADD COLUMN broadcast_id BLOB;
ALTER TABLE delivery ADD COLUMN lane INTEGER GENERATED ALWAYS AS (broadcast_id IS NOT NULL) VIRTUAL;
DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery (carrier, account_id, lane, due_at) WHERE status = 'queued';
