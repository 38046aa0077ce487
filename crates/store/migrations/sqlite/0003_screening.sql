-- The screening policy of an account, as JSON; NULL for the platform's default.
ALTER TABLE accounts ADD COLUMN screening TEXT;

-- Texts in which the screen found something, for review. about is the id of the message or broadcast, empty where none was made.
CREATE TABLE screening_log (
    id         BLOB NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL,
    mode       TEXT NOT NULL,
    at         INTEGER NOT NULL,
    outcome    TEXT NOT NULL,
    about      TEXT NOT NULL,
    originator TEXT NOT NULL,
    categories TEXT NOT NULL,
    findings   TEXT NOT NULL,
    body       TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX screening_log_of ON screening_log (account_id, id);
