-- An index of messages for filtered lists. A background task fills it in small transactions, so that accepting a message writes none of it.

-- A short number for each account and mode, because every entry of the index has one.
CREATE TABLE list_owners (
    number     INTEGER PRIMARY KEY,
    account_id BLOB NOT NULL,
    mode       TEXT NOT NULL,
    UNIQUE (account_id, mode)
);

-- Three entries for each listed message: its recipient, its originator, and its direction with its status. The last one follows the status.
CREATE TABLE list_entries (
    facet      INTEGER NOT NULL,
    owner      INTEGER NOT NULL,
    message_id BLOB    NOT NULL,
    PRIMARY KEY (facet, owner, message_id)
) WITHOUT ROWID;

-- Every message with an id below the mark is listed, except those in a gap.
CREATE TABLE list_mark (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    below BLOB NOT NULL
);
INSERT INTO list_mark (id, below) VALUES (1, x'00000000000000000000000000000000');

-- Messages that were inserted below the mark and are not listed yet: ids from low to high, both included. The source is the broadcast that
-- they belong to, or zeros.
CREATE TABLE list_gaps (
    account_id BLOB NOT NULL,
    source     BLOB NOT NULL,
    low        BLOB NOT NULL,
    high       BLOB NOT NULL,
    PRIMARY KEY (account_id, source)
) WITHOUT ROWID;

-- Broadcasts are few, so their lists have plain indexes.
CREATE INDEX broadcasts_of ON broadcasts (account_id, mode, id);
CREATE INDEX broadcasts_from ON broadcasts (account_id, mode, originator, id);
CREATE INDEX broadcast_progress_of ON broadcast_progress (account_id, status, broadcast_id);

-- Each filter of the screen's log, with the mode before the id. A list of both modes merges two.
DROP INDEX screening_log_of;
CREATE INDEX screening_log_in ON screening_log (mode, id);
CREATE INDEX screening_log_of ON screening_log (account_id, mode, id);
CREATE INDEX screening_log_with ON screening_log (outcome, mode, id);
CREATE INDEX screening_log_of_with ON screening_log (account_id, outcome, mode, id);
