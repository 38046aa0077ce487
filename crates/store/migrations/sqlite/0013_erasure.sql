-- When the person of a message was erased. Its text, its media and the person's address are blank from then on.
ALTER TABLE delivery ADD COLUMN erased_at INTEGER;

-- Erasures of persons: the record that stays. number is there only while something of it is left, so that a process
-- that starts can go on with the
-- erasure; afterwards only its keyed digest says whose it was.
CREATE TABLE erasures (
    id         BLOB    NOT NULL PRIMARY KEY,
    digest     BLOB    NOT NULL,
    number     TEXT,
    operator   TEXT    NOT NULL,
    reference  TEXT,
    began_at   INTEGER NOT NULL,
    ended_at   INTEGER,
    messages   INTEGER NOT NULL DEFAULT 0,
    canceled   INTEGER NOT NULL DEFAULT 0,
    texts      INTEGER NOT NULL DEFAULT 0,
    events     INTEGER NOT NULL DEFAULT 0,
    media      INTEGER NOT NULL DEFAULT 0,
    screenings INTEGER NOT NULL DEFAULT 0,
    receipts   INTEGER NOT NULL DEFAULT 0,
    recipients INTEGER NOT NULL DEFAULT 0,
    requests   INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX erasures_open ON erasures (id) WHERE ended_at IS NULL;
CREATE INDEX erasures_number ON erasures (number) WHERE number IS NOT NULL;
CREATE INDEX erasures_of ON erasures (digest, id);

-- The segments of a message. Ids of messages grow, so that new entries come one after the other.
CREATE INDEX segments_of ON segments (message_id);
