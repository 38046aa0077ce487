-- Messages of handsets. account_id is empty for one that belongs to no account. body is set for text, octets for data,
-- neither for what was removed. missing has an octet for each part that has not come. media has a line for each file.
CREATE TABLE inbound (
    id           BLOB    NOT NULL PRIMARY KEY,
    account_id   BLOB    NOT NULL,
    mode         TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    sender       TEXT    NOT NULL,
    recipient    TEXT    NOT NULL,
    body         TEXT,
    octets       BLOB,
    encoding     TEXT    NOT NULL,
    segments     INTEGER NOT NULL,
    missing      BLOB    NOT NULL,
    keyword_kind TEXT,
    keyword      TEXT,
    suspected    INTEGER NOT NULL,
    media        TEXT    NOT NULL,
    others       INTEGER NOT NULL,
    carrier      TEXT    NOT NULL,
    received_at  INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    erased_at    INTEGER
) WITHOUT ROWID;
CREATE INDEX inbound_of ON inbound (account_id, mode, id);
CREATE INDEX inbound_from ON inbound (sender, account_id, mode, id);
CREATE INDEX inbound_to ON inbound (recipient, account_id, mode, id);
CREATE INDEX inbound_unrouted ON inbound (received_at) WHERE account_id = x'';

-- The other recipients of group messages, in their order. The column others of a message says how many it has.
CREATE TABLE inbound_others (
    message_id BLOB    NOT NULL,
    place      INTEGER NOT NULL,
    address    TEXT    NOT NULL,
    PRIMARY KEY (message_id, place)
) WITHOUT ROWID;
CREATE INDEX inbound_others_of ON inbound_others (address);

-- Which messages have the object of a file. The messages that one group message became share objects.
CREATE TABLE inbound_media (
    media_id   BLOB NOT NULL,
    message_id BLOB NOT NULL,
    PRIMARY KEY (media_id, message_id)
) WITHOUT ROWID;

-- Names of objects that no message has any more, and whose octets may still be there.
CREATE TABLE inbound_objects_gone (
    name TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;

-- Messages in parts. state: 0 parts are missing and awaited, 1 shown without the missing ones, 2 whole, 3 replaced by
-- another message with the same reference. forget_at is NULL while parts are awaited. message_id is that of the message
-- as it was shown.
CREATE TABLE inbound_joins (
    id         INTEGER PRIMARY KEY,
    carrier    TEXT    NOT NULL,
    sender     TEXT    NOT NULL,
    recipient  TEXT    NOT NULL,
    form       INTEGER NOT NULL,
    reference  INTEGER NOT NULL,
    total      INTEGER NOT NULL,
    elements   BLOB    NOT NULL,
    state      INTEGER NOT NULL,
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    message_id BLOB,
    forget_at  INTEGER
);
CREATE INDEX inbound_joins_of ON inbound_joins (sender, recipient, reference, total);
CREATE INDEX inbound_joins_wait ON inbound_joins (last_at) WHERE forget_at IS NULL;
CREATE INDEX inbound_joins_end ON inbound_joins (forget_at) WHERE forget_at IS NOT NULL;

-- The parts that came.
CREATE TABLE inbound_parts (
    join_id INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    content BLOB    NOT NULL,
    PRIMARY KEY (join_id, number)
) WITHOUT ROWID;

-- What came from carriers whose answers are not known to have reached them in time: the beginning of the SHA-256 of all
-- that tells one from others. Numbers are not given twice.
CREATE TABLE inbound_arrivals (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB    NOT NULL UNIQUE,
    at     INTEGER NOT NULL
);

-- Opt-outs in force, in the order in which they were made. number has the digits of the handset; an empty sender means
-- every sender of the account.
CREATE TABLE opt_outs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BLOB    NOT NULL,
    mode       TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    sender     TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    keyword    TEXT,
    message_id BLOB,
    reason     TEXT,
    at         INTEGER NOT NULL
);
CREATE UNIQUE INDEX opt_outs_name ON opt_outs (number, account_id, mode, sender);
CREATE INDEX opt_outs_of ON opt_outs (account_id, mode, id);

-- Every change of them. Rows are only ever added, but for an erasure.
CREATE TABLE opt_out_history (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BLOB    NOT NULL,
    mode       TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    sender     TEXT    NOT NULL,
    is_out     INTEGER NOT NULL,
    source     TEXT    NOT NULL,
    keyword    TEXT,
    message_id BLOB,
    reason     TEXT,
    at         INTEGER NOT NULL
);
CREATE INDEX opt_out_history_of ON opt_out_history (number, account_id, mode, id);

-- Automatic messages that were written lately, so that no more are written than there may be: to which handset, from
-- which number of ours, in answer to which kind of keyword.
CREATE TABLE automatic_messages (
    number     INTEGER NOT NULL,
    account_id BLOB    NOT NULL,
    mode       TEXT    NOT NULL,
    sender     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    message_id BLOB    NOT NULL,
    kind       TEXT    NOT NULL,
    PRIMARY KEY (number, account_id, mode, sender, at, message_id)
) WITHOUT ROWID;
CREATE INDEX automatic_messages_at ON automatic_messages (at);
