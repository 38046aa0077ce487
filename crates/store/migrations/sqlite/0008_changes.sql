-- The log of changes: what happened to resources, for those who want to know it afterwards. A row is written only for a kind that a registered
-- consumer wants. Each writer numbers its rows from 1, without gaps, in the order of its commits; facts says what changed, in the encoding of facts.rs.
CREATE TABLE changes (
    writer     INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    account_id BLOB,
    test       INTEGER,
    facts      BLOB    NOT NULL,
    PRIMARY KEY (writer, seq)
) WITHOUT ROWID;

-- The last number that each writer has given. Rows are dropped once every consumer has passed them, and their numbers are not given again.
CREATE TABLE change_writers (
    writer INTEGER PRIMARY KEY,
    last   INTEGER NOT NULL
);

-- Who reads the log: kinds has a bit for each kind that it wants.
CREATE TABLE change_consumers (
    name  TEXT    NOT NULL PRIMARY KEY,
    kinds INTEGER NOT NULL
) WITHOUT ROWID;

-- How far each consumer has read what each writer wrote.
CREATE TABLE change_cursors (
    consumer TEXT    NOT NULL,
    writer   INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    PRIMARY KEY (consumer, writer)
) WITHOUT ROWID;

-- Whose test or live world a message belongs to, so that a change of its status can say so. NULL for messages from before this migration: their
-- rows in messages say it.
ALTER TABLE delivery ADD COLUMN test INTEGER;
