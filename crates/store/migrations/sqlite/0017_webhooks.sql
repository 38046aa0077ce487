-- The logs of events: one for each owner that has, or had, an endpoint, or follows its events. base is the last number
-- whose row was removed because it was old; numbers are not given again. followed_until: the log is written until then
-- although there may be no endpoint.
CREATE TABLE webhook_logs (
    log            INTEGER PRIMARY KEY,
    account_id     BLOB    NOT NULL,
    test           INTEGER NOT NULL,
    base           INTEGER NOT NULL DEFAULT 0,
    followed_until INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account_id, test)
);

-- What happened, in the order of commits. facts says what changed, in the encoding of facts.rs, and never how it is
-- shown: texts and numbers are in the rows of messages, but for opt-outs, whose facts have the number.
CREATE TABLE webhook_events (
    log      INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    type     INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    facts    BLOB    NOT NULL,
    PRIMARY KEY (log, seq)
) WITHOUT ROWID;
-- Opt-outs are looked through when a person is erased.
CREATE INDEX webhook_events_opt ON webhook_events (log, seq) WHERE type IN (6, 7);

-- How many events there were of a resource whose facts do not tell: inbound messages and opt-outs. at is the time of
-- the last.
CREATE TABLE webhook_sequences (
    log      INTEGER NOT NULL,
    resource BLOB    NOT NULL,
    last     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (log, resource)
) WITHOUT ROWID;

-- Endpoints. Everything up to position is delivered, given up, or in webhook_deliveries as pending. An endpoint that is
-- removed keeps its row until its deliveries are removed.
CREATE TABLE webhook_endpoints (
    webhook            INTEGER PRIMARY KEY AUTOINCREMENT,
    id                 BLOB    NOT NULL UNIQUE,
    log                INTEGER NOT NULL,
    url                TEXT    NOT NULL,
    events             TEXT    NOT NULL,
    description        TEXT,
    active             INTEGER NOT NULL,
    ordering           TEXT    NOT NULL,
    broadcast_messages INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    disabled_reason    TEXT,
    disabled_at        INTEGER,
    position           INTEGER NOT NULL,
    failing_since      INTEGER,
    failing_attempts   INTEGER NOT NULL DEFAULT 0,
    removed            INTEGER NOT NULL DEFAULT 0
);

-- The secrets of endpoints, encrypted. The newest has no end; the others sign until theirs.
CREATE TABLE webhook_secrets (
    webhook    INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    sealed     BLOB    NOT NULL,
    ends_at    INTEGER,
    PRIMARY KEY (webhook, number)
) WITHOUT ROWID;

-- What became of an event at an endpoint. state: 0 pending, 1 succeeded, 2 failed. body is kept from the first failed
-- attempt until the delivery ends, so that every attempt has the same octets; resource says of what it is then, so
-- that an erasure finds it.
CREATE TABLE webhook_deliveries (
    webhook  INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    type     INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    tries    INTEGER NOT NULL,
    due_at   INTEGER,
    attempts BLOB    NOT NULL,
    resource BLOB,
    body     TEXT,
    PRIMARY KEY (webhook, seq)
) WITHOUT ROWID;
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook, seq) WHERE state = 0;
CREATE INDEX webhook_deliveries_body ON webhook_deliveries (resource) WHERE body IS NOT NULL;

-- Ranges of the log that are delivered once more. state narrows them to deliveries in that state.
CREATE TABLE webhook_replays (
    replay   INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook  INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    end_seq  INTEGER NOT NULL,
    state    INTEGER
);
CREATE INDEX webhook_replays_of ON webhook_replays (webhook, replay);
