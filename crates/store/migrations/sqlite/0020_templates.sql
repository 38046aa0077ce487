-- Texts that an operator approved for an account, with placeholders for what varies.
CREATE TABLE screening_templates (
    account_id BLOB    NOT NULL,
    id         BLOB    NOT NULL,
    text       TEXT    NOT NULL,
    note       TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, text)
) WITHOUT ROWID;

-- What an operator says of a decision of the screen; NULL until then. The index has reviewed decisions alone, so that
-- recording a decision writes nothing of it.
ALTER TABLE screening_log ADD COLUMN reviewed_at INTEGER;
ALTER TABLE screening_log ADD COLUMN correct INTEGER;
ALTER TABLE screening_log ADD COLUMN review_note TEXT;
CREATE INDEX screening_log_reviewed ON screening_log (id) WHERE reviewed_at IS NOT NULL;
