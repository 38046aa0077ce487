-- Test and live are two worlds: idempotency records and quotas belong to an account and a mode. A record has the mode of what its request made.
-- form says which fields its answer has, so that a replay has the same.
CREATE TABLE idempotency_of_modes (
    account_id  BLOB    NOT NULL,
    mode        TEXT    NOT NULL,
    endpoint    TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    message_id  BLOB    NOT NULL,
    form        INTEGER NOT NULL,
    answer      TEXT,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (account_id, mode, endpoint, key)
) WITHOUT ROWID;
INSERT INTO idempotency_of_modes (account_id, mode, endpoint, key, fingerprint, message_id, form, answer, created_at)
    SELECT i.account_id, coalesce(m.mode, b.mode, 'live'), i.endpoint, i.key, i.fingerprint, i.message_id, 1, i.answer, i.created_at
    FROM idempotency i
    LEFT JOIN messages m ON i.endpoint = 'message' AND m.account_id = i.account_id AND m.id = i.message_id
    LEFT JOIN broadcasts b ON i.endpoint = 'broadcast' AND b.account_id = i.account_id AND b.id = i.message_id;
DROP TABLE idempotency;
ALTER TABLE idempotency_of_modes RENAME TO idempotency;
CREATE INDEX idempotency_age ON idempotency (created_at);

-- What was counted for both modes counts for live keys. The day stands first, so that old days are found without looking at the others.
CREATE TABLE quota_of_modes (
    day        INTEGER NOT NULL,
    account_id BLOB    NOT NULL,
    mode       TEXT    NOT NULL,
    used       INTEGER NOT NULL,
    PRIMARY KEY (day, account_id, mode)
) WITHOUT ROWID;
INSERT INTO quota_of_modes (day, account_id, mode, used) SELECT day, account_id, 'live', used FROM quota;
DROP TABLE quota;
ALTER TABLE quota_of_modes RENAME TO quota;
