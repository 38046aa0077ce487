-- How long the texts of an account's messages are kept: a number of days, or 'discard' for until the message has
-- ended. NULL for as long as the
-- platform keeps texts.
ALTER TABLE accounts ADD COLUMN retention TEXT;
CREATE INDEX accounts_retention ON accounts (id) WHERE retention IS NOT NULL;

-- How far a walk through old rows has come: the last row that it has passed. Text that it left there, because the
-- message had not ended, goes with the
-- message's end. account_id is empty for a walk through all accounts.
CREATE TABLE retention_marks (
    walk       TEXT    NOT NULL,
    account_id BLOB    NOT NULL,
    carrier    TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    id         BLOB    NOT NULL,
    number     INTEGER NOT NULL,
    PRIMARY KEY (walk, account_id)
) WITHOUT ROWID;

-- The oldest gap is looked for every second.
CREATE INDEX list_gaps_low ON list_gaps (low);
