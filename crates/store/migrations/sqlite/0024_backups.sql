-- The peppers that this store was used with: of each a keyed digest of a constant text, which tells the right pepper
-- from a wrong one. One of them is current.
CREATE TABLE peppers (
    number     INTEGER PRIMARY KEY,
    verifier   BLOB    NOT NULL UNIQUE,
    since      INTEGER NOT NULL,
    is_current INTEGER NOT NULL
);

-- The pepper under which a key's digest was made. Keys of before belong to the first pepper, which has the number 0.
ALTER TABLE keys ADD COLUMN pepper INTEGER NOT NULL DEFAULT 0;

-- A store that was restored is held until an operator releases it: one row then, else none. backed_up_at is the moment
-- that the copy shows.
CREATE TABLE holds (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    since        INTEGER NOT NULL,
    backed_up_at INTEGER NOT NULL
);
