-- What daily_usage counts of a message whatever becomes of it. Rows of before have it with the message alone.
ALTER TABLE delivery ADD COLUMN kind TEXT;
ALTER TABLE delivery ADD COLUMN counted_segments INTEGER;

-- How many messages of a UTC day, which their ids tell, stand where, and how many segments they have as they were
-- accepted. Messages of handsets have the status 'received'.
CREATE TABLE daily_usage (
    account_id BLOB    NOT NULL,
    mode       TEXT    NOT NULL,
    day        INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    messages   INTEGER NOT NULL,
    segments   INTEGER NOT NULL,
    PRIMARY KEY (account_id, mode, day, kind, status)
) WITHOUT ROWID;

-- The first 48 bits of an id are milliseconds since 1970. Nearly always they are those of created_at; where the clock
-- was set back they are not, and each of the twelve hexadecimal digits is its place in '123456789ABCDEF'.
INSERT INTO daily_usage (account_id, mode, day, kind, status, messages, segments)
    WITH digits (place, weight) AS (
        VALUES (1, 17592186044416), (2, 1099511627776), (3, 68719476736), (4, 4294967296), (5, 268435456),
            (6, 16777216), (7, 1048576), (8, 65536), (9, 4096), (10, 256), (11, 16), (12, 1)
    ), counted (account_id, mode, id_digits, created_at, kind, status, segments) AS (
        SELECT m.account_id, m.mode, hex(substr(m.id, 1, 6)), m.created_at, m.kind, d.status, m.segments
            FROM messages m JOIN delivery d ON d.message_id = m.id
        UNION ALL
        SELECT account_id, mode, hex(substr(id, 1, 6)), created_at, kind, 'received', segments
            FROM inbound WHERE length(account_id) = 16
    )
    SELECT account_id, mode,
        iif(id_digits = printf('%012X', created_at), created_at,
            (SELECT sum(instr('123456789ABCDEF', substr(id_digits, place, 1)) * weight) FROM digits)) / 86400000 AS day,
        kind, status, count(*), sum(segments)
    FROM counted GROUP BY account_id, mode, day, kind, status;
