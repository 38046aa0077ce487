-- Times are milliseconds since 1970 in UTC; ids are UUIDs of version 7; states are the words of the API; test says
-- whose world of the account a row belongs to. Only plain SQL that PostgreSQL's relatives understand is used: no
-- triggers, no notifications, no sequences as cursors.

CREATE TABLE accounts (
    id                   uuid    NOT NULL PRIMARY KEY,
    name                 text    NOT NULL,
    state                text    NOT NULL,
    message_per_minute   bigint  NOT NULL,
    broadcast_per_minute bigint  NOT NULL,
    read_per_minute      bigint  NOT NULL,
    daily_quota          bigint  NOT NULL,
    screening            text,
    retention            text,
    keywords             text,
    created_at           bigint  NOT NULL
);

-- pepper is the number of the pepper under which the digest was made.
CREATE TABLE keys (
    id         text    NOT NULL PRIMARY KEY,
    account_id uuid    NOT NULL REFERENCES accounts (id),
    test       boolean NOT NULL,
    digest     bytea   NOT NULL,
    pepper     bigint  NOT NULL DEFAULT 0,
    created_at bigint  NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    name       text,
    used_at    bigint
);

-- The peppers that this store was used with: of each a keyed digest of a constant text, which tells the right pepper
-- from a wrong one. One of them is current.
CREATE TABLE peppers (
    number     bigint  NOT NULL PRIMARY KEY,
    verifier   bytea   NOT NULL UNIQUE,
    since      bigint  NOT NULL,
    is_current boolean NOT NULL
);

-- Senders. Of names that differ in case alone there is one: folded has a name in lower case, and is NULL for the other
-- kinds. former_account had the number before it was taken away: a STOP to a number of no account counts for that one.
CREATE TABLE numbers (
    number              text   NOT NULL PRIMARY KEY,
    folded              text   UNIQUE,
    account_id          uuid   REFERENCES accounts (id),
    former_account      uuid,
    state               text   NOT NULL,
    segments_per_second bigint,
    keywords            text,
    created_at          bigint NOT NULL
);

-- account_id is the nil UUID for a block that counts for every account.
CREATE TABLE blocks (
    number     text   NOT NULL,
    kind       text   NOT NULL,
    account_id uuid   NOT NULL,
    reason     text,
    created_at bigint NOT NULL,
    PRIMARY KEY (number, kind, account_id)
);

-- What was asked for. Never updated, but for an erasure. A partition for each week of ids, made by the program.
CREATE TABLE messages (
    id               uuid     NOT NULL PRIMARY KEY,
    account_id       uuid     NOT NULL,
    test             boolean  NOT NULL,
    broadcast_id     uuid,
    direction        text     NOT NULL,
    kind             text     NOT NULL,
    originator       text     NOT NULL,
    recipient        text     NOT NULL,
    body             text,
    media_url        text,
    media_id         uuid,
    encoding         text     NOT NULL,
    segments         integer  NOT NULL,
    reference        integer  NOT NULL,
    client_reference text,
    automatic        text,
    status_callback  text,
    created_at       bigint   NOT NULL,
    send_at          bigint,
    expires_at       bigint   NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX messages_to ON messages (recipient, id);
CREATE INDEX messages_test ON messages (id) WHERE test;
CREATE INDEX messages_from ON messages (originator, test, id);
CREATE INDEX messages_named ON messages (client_reference, account_id, test, id) WHERE client_reference IS NOT NULL;
CREATE INDEX messages_of ON messages (account_id, test, id);
-- The age of a message that leaves later is counted from its time to leave, and so is that of its text.
CREATE INDEX messages_scheduled ON messages (send_at) WHERE send_at IS NOT NULL;
CREATE INDEX messages_scheduled_texts ON messages (send_at, id)
    WHERE send_at IS NOT NULL AND (body IS NOT NULL OR media_url IS NOT NULL);
CREATE INDEX messages_scheduled_texts_of ON messages (account_id, send_at, id)
    WHERE send_at IS NOT NULL AND (body IS NOT NULL OR media_url IS NOT NULL);

-- What became of it. Nothing here is indexed but the key, so that an update leaves the index alone (HOT). The masks
-- have bit n for segment n + 1, and segments says how many there are, in the cut of the carrier that it stands with.
-- shares has a line for each carrier that took something before the message left it. carrier and attempts of a queued
-- message are in its row of queue.
CREATE TABLE delivery (
    message_id         uuid    NOT NULL PRIMARY KEY,
    account_id         uuid    NOT NULL,
    test               boolean NOT NULL,
    broadcast_id       uuid,
    status             text    NOT NULL DEFAULT 'queued',
    carrier            text    NOT NULL,
    segments           integer NOT NULL,
    attempts           bigint  NOT NULL DEFAULT 0,
    held               boolean NOT NULL DEFAULT false,
    unknown_outcomes   bigint  NOT NULL DEFAULT 0,
    queued_at          bigint,
    accepted_segments  bigint  NOT NULL DEFAULT 0,
    delivered_segments bigint  NOT NULL DEFAULT 0,
    lost_segments      bigint  NOT NULL DEFAULT 0,
    sent_at            bigint,
    delivered_at       bigint,
    failed_at          bigint,
    error_type         text,
    error_message      text,
    receipt_by         bigint,
    receipt_missing    boolean NOT NULL DEFAULT false,
    erased_at          bigint,
    shares             text,
    kind               text    NOT NULL,
    counted_segments   integer NOT NULL
) PARTITION BY RANGE (message_id);

-- What waits: a row for each queued message, which goes when a carrier has taken it. A message may be leased from
-- due_at on; a lease moves due_at to its own end and puts its token in lease, whose bits from 32 on are the epoch that
-- owns the message. Single messages have lane 0, those of broadcasts lane 1. recipient has the digits. attempt_began is
-- when the attempt under way began, by the clock of the database; NULL for none. It is in no index, and pages have
-- room, so that the beginning of an attempt leaves the indexes alone (HOT). queued_at is when a message that leaves
-- later was queued; NULL for one that was queued as it was accepted.
CREATE TABLE queue (
    message_id    uuid     NOT NULL PRIMARY KEY,
    account_id    uuid     NOT NULL,
    test          boolean  NOT NULL,
    carrier       text     NOT NULL,
    lane          smallint NOT NULL,
    due_at        bigint   NOT NULL,
    lease         bigint   NOT NULL,
    attempts      bigint   NOT NULL DEFAULT 0,
    attempt_began timestamptz,
    held          boolean  NOT NULL DEFAULT false,
    expires_at    bigint   NOT NULL,
    recipient     bigint   NOT NULL,
    originator    text     NOT NULL,
    broadcast_id  uuid,
    media_id      uuid,
    queued_at     bigint
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.005, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX queue_media ON queue (media_id) WHERE media_id IS NOT NULL;
CREATE INDEX queue_broadcast ON queue (broadcast_id) WHERE broadcast_id IS NOT NULL;
CREATE INDEX queue_held ON queue (message_id) WHERE held;
CREATE INDEX queue_launched ON queue (carrier, queued_at) WHERE queued_at IS NOT NULL;
CREATE INDEX queue_leased ON queue (carrier) WHERE lease <> 0;
CREATE INDEX queue_recipient ON queue (recipient);
CREATE INDEX queue_expiry ON queue (expires_at);
CREATE INDEX queue_due ON queue (carrier, account_id, lane, due_at, message_id);

-- Messages that leave later, in the order of the times of day at which they are queued.
CREATE TABLE schedule (
    message_id uuid    NOT NULL PRIMARY KEY,
    account_id uuid    NOT NULL,
    test       boolean NOT NULL,
    send_at    bigint  NOT NULL,
    media_id   uuid
);
CREATE INDEX schedule_due ON schedule (send_at, message_id);
CREATE INDEX schedule_of ON schedule (account_id, test, message_id);
CREATE INDEX schedule_media ON schedule (media_id) WHERE media_id IS NOT NULL;

-- Messages that wait for their receipts, in the order of their ends.
CREATE TABLE receipt_waits (
    message_id uuid   NOT NULL PRIMARY KEY,
    receipt_by bigint NOT NULL
);
CREATE INDEX receipt_waits_end ON receipt_waits (receipt_by);

-- Messages that ended without arriving, for lists of them: nearly all others arrive.
CREATE TABLE failures (
    message_id uuid    NOT NULL PRIMARY KEY,
    account_id uuid    NOT NULL,
    test       boolean NOT NULL,
    status     text    NOT NULL
) PARTITION BY RANGE (message_id);
CREATE INDEX failures_of ON failures (account_id, test, status, message_id);
CREATE INDEX failures_all ON failures (status, message_id);

-- The life of every message. Only ever added to.
CREATE TABLE events (
    message_id uuid    NOT NULL,
    seq        integer NOT NULL,
    at         bigint  NOT NULL,
    kind       text    NOT NULL,
    carrier    text,
    attempt    bigint,
    detail     text    NOT NULL,
    PRIMARY KEY (message_id, seq)
) PARTITION BY RANGE (message_id);

-- Segments that a carrier took, filed under the carrier's id in canonical form: each one of total. A segment's fate is
-- empty until it is known.
CREATE TABLE segments (
    carrier    text    NOT NULL,
    key        text    NOT NULL,
    message_id uuid    NOT NULL,
    number     integer NOT NULL,
    total      integer NOT NULL,
    recipient  text    NOT NULL,
    fate       text    NOT NULL,
    PRIMARY KEY (carrier, key, message_id, number)
) PARTITION BY RANGE (message_id);
CREATE INDEX segments_of ON segments (message_id);

-- What carriers sent and nothing could use. Receipts that wait for their acknowledgement have the fate 'waiting' and
-- their keys in parked_keys; the others are kept for the operator, the last hundred of each carrier and fate. scope is
-- 1 for one segment, 0 for the whole message, and n for all segments of a message that has n. came is when it came, by
-- the clock of the database. waits_for is the message whose attempt may bring the id, where the receipt waits for its
-- end.
CREATE TABLE unmatched (
    id        bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier   text    NOT NULL,
    addresses text    NOT NULL,
    says      text    NOT NULL,
    at        bigint  NOT NULL,
    detail    text    NOT NULL,
    fate      text    NOT NULL,
    reason    text    NOT NULL,
    ended_at  bigint,
    bytes     bigint  NOT NULL,
    keys      text    NOT NULL,
    scope     integer NOT NULL,
    raw       text    NOT NULL,
    came      timestamptz NOT NULL DEFAULT clock_timestamp(),
    waits_for uuid
);
CREATE INDEX unmatched_of ON unmatched (carrier, fate, id);
CREATE INDEX unmatched_age ON unmatched (at) WHERE fate = 'waiting';
CREATE INDEX unmatched_waits ON unmatched (waits_for) WHERE waits_for IS NOT NULL;

CREATE TABLE parked_keys (
    carrier   text   NOT NULL,
    key       text   NOT NULL,
    parked_id bigint NOT NULL,
    PRIMARY KEY (carrier, key, parked_id)
);
CREATE INDEX parked_keys_of ON parked_keys (parked_id);

-- Locked as a whole, and always empty: outcomes that file segments share it, and who parks receipts has it alone.
CREATE TABLE parking_gate (
    nothing boolean
);

-- How much is parked, by carrier: the sum of its rows. Whatever changes it adds a row, so that nobody waits for
-- another; who parks receipts adds the rows up and leaves their sum.
CREATE TABLE parked_load (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier text   NOT NULL,
    count   bigint NOT NULL,
    bytes   bigint NOT NULL
);
CREATE INDEX parked_load_of ON parked_load (carrier);

-- Rows to lock: transactions that must not run at the same time lock the row of their name, some to share it.
CREATE TABLE latches (
    name text NOT NULL PRIMARY KEY
);
INSERT INTO latches (name) VALUES ('nodes'), ('weeks');

-- A record has the world of what its request made. form says which fields its answer has, so that a replay has the
-- same.
CREATE TABLE idempotency (
    account_id  uuid    NOT NULL,
    test        boolean NOT NULL,
    endpoint    text    NOT NULL,
    key         text    NOT NULL,
    fingerprint bytea   NOT NULL,
    message_id  uuid    NOT NULL,
    form        integer NOT NULL,
    answer      text,
    created_at  bigint  NOT NULL,
    PRIMARY KEY (account_id, test, endpoint, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
CREATE INDEX idempotency_of ON idempotency (message_id);

-- Keys that requests under way hold, each in the name of an epoch that is not over. made is what the request made,
-- where it is on record and its answer is awaited. begun is the number that the epoch gave the call that began the
-- request.
CREATE TABLE held_keys (
    account_id uuid    NOT NULL,
    test       boolean NOT NULL,
    endpoint   text    NOT NULL,
    key        text    NOT NULL,
    epoch      bigint  NOT NULL,
    made       uuid,
    begun      bigint,
    PRIMARY KEY (account_id, test, endpoint, key)
);
CREATE INDEX held_keys_of ON held_keys (epoch);

CREATE TABLE quota (
    day        bigint  NOT NULL,
    account_id uuid    NOT NULL,
    test       boolean NOT NULL,
    used       bigint  NOT NULL,
    PRIMARY KEY (day, account_id, test)
) WITH (fillfactor = 50);

-- How many messages of a UTC day, which their ids tell, stand where, and how many segments they have as they were
-- accepted. Messages of handsets have the status 'received'.
CREATE TABLE daily_usage (
    account_id uuid    NOT NULL,
    test       boolean NOT NULL,
    day        bigint  NOT NULL,
    kind       text    NOT NULL,
    status     text    NOT NULL,
    messages   bigint  NOT NULL,
    segments   bigint  NOT NULL,
    PRIMARY KEY (account_id, test, day, kind, status)
) WITH (fillfactor = 50);

-- Counts of requests within a window. They need not survive a crash of the database. Of the requests that came last,
-- asked of them, passed were counted under the limit most, when known had passed at another counter in a window that
-- was to end so many milliseconds sooner than a new one.
CREATE UNLOGGED TABLE windows (
    name    text   NOT NULL PRIMARY KEY,
    ends_at bigint NOT NULL,
    used    bigint NOT NULL,
    asked   bigint NOT NULL,
    most    bigint NOT NULL,
    passed  bigint NOT NULL,
    known   bigint NOT NULL,
    sooner  bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX windows_end ON windows (ends_at);

-- Rows of which a probe rewrites one, to learn whether a write would succeed. There are several, so that no node waits
-- for another one's probe.
CREATE TABLE probe (
    id integer NOT NULL PRIMARY KEY,
    at bigint  NOT NULL
) WITH (fillfactor = 50);
INSERT INTO probe (id, at) SELECT id, 0 FROM generate_series(1, 16) AS id;

CREATE TABLE broadcasts (
    id               uuid    NOT NULL PRIMARY KEY,
    account_id       uuid    NOT NULL,
    test             boolean NOT NULL,
    kind             text    NOT NULL,
    originator       text    NOT NULL,
    body             text,
    media_url        text,
    media_id         uuid,
    encoding         text    NOT NULL,
    segments         integer NOT NULL,
    total            bigint  NOT NULL,
    blocked          bigint  NOT NULL,
    client_reference text,
    created_at       bigint  NOT NULL,
    expires_at       bigint  NOT NULL
);
CREATE INDEX broadcasts_media ON broadcasts (media_id) WHERE media_id IS NOT NULL;
CREATE INDEX broadcasts_from ON broadcasts (account_id, test, originator, id);
CREATE INDEX broadcasts_named ON broadcasts (account_id, test, client_reference, id) WHERE client_reference IS NOT NULL;
CREATE INDEX broadcasts_of ON broadcasts (account_id, test, id);

-- How far it has come. Every recipient is counted in one of the columns from skipped to failed. Recipients from
-- next_index on are still in their chunks; those before it have a message or were skipped. taken counts messages that a
-- carrier ever took. owner is the epoch that expands it; 0 for none.
CREATE TABLE broadcast_progress (
    broadcast_id uuid    NOT NULL PRIMARY KEY,
    account_id   uuid    NOT NULL,
    test         boolean NOT NULL,
    status       text    NOT NULL,
    owner        bigint  NOT NULL DEFAULT 0,
    packed       bigint  NOT NULL,
    next_index   bigint  NOT NULL,
    skipped      bigint  NOT NULL,
    queued       bigint  NOT NULL,
    sent         bigint  NOT NULL DEFAULT 0,
    delivered    bigint  NOT NULL DEFAULT 0,
    undelivered  bigint  NOT NULL DEFAULT 0,
    failed       bigint  NOT NULL DEFAULT 0,
    taken        bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE INDEX broadcast_progress_open ON broadcast_progress (broadcast_id) WHERE status IN ('queued', 'sending');
CREATE INDEX broadcast_progress_of ON broadcast_progress (account_id, test, status, broadcast_id);

-- Recipients that have not had their turn: from index first on, each the seven bytes of the number that its digits are,
-- lowest byte first. variables has their values for the variables in the text, as JSON, an array of texts for each of
-- them; NULL where the text has no variables. A chunk is removed when its last recipient has had their turn.
CREATE TABLE broadcast_chunks (
    broadcast_id uuid   NOT NULL,
    first        bigint NOT NULL,
    recipients   bytea  NOT NULL,
    variables    text,
    PRIMARY KEY (broadcast_id, first)
);

-- Media that are kept, once for all the messages that carry them. unneeded_since is when it was first seen that no
-- message waits for them.
CREATE TABLE media (
    id             uuid   NOT NULL PRIMARY KEY,
    digest         bytea  NOT NULL,
    kind           text   NOT NULL,
    bytes          bigint NOT NULL,
    stored_at      bigint NOT NULL,
    unneeded_since bigint
);
CREATE INDEX media_digest ON media (digest);

-- Texts in which the screen found something, for review. about is the id of the message or broadcast, empty where none
-- was made.
CREATE TABLE screening_log (
    id          uuid    NOT NULL PRIMARY KEY,
    account_id  uuid    NOT NULL,
    test        boolean NOT NULL,
    at          bigint  NOT NULL,
    outcome     text    NOT NULL,
    certainty   text    NOT NULL,
    about       text    NOT NULL,
    originator  text    NOT NULL,
    categories  text    NOT NULL,
    findings    text    NOT NULL,
    body        text    NOT NULL,
    reviewed_at bigint,
    correct     boolean,
    review_note text
);
CREATE INDEX screening_log_reviewed ON screening_log (id) WHERE reviewed_at IS NOT NULL;
CREATE INDEX screening_log_about ON screening_log (about);
CREATE INDEX screening_log_with ON screening_log (outcome, certainty, test, id);
CREATE INDEX screening_log_of_with ON screening_log (account_id, outcome, certainty, test, id);
CREATE INDEX screening_log_in ON screening_log (test, id);
CREATE INDEX screening_log_of ON screening_log (account_id, test, id);

-- Templates that operators approved. An account has each text once: its row is locked while one is added, since texts
-- are too long for an index.
CREATE TABLE screening_templates (
    account_id uuid   NOT NULL,
    id         uuid   NOT NULL,
    text       text   NOT NULL,
    note       text,
    created_at bigint NOT NULL,
    PRIMARY KEY (account_id, id)
);

-- The persons who run the platform. password is a hash in the PHC string format; NULL for who has none.
CREATE TABLE operators (
    name        text   NOT NULL PRIMARY KEY COLLATE "C",
    role        text   NOT NULL,
    password    text,
    created_at  bigint NOT NULL,
    disabled_at bigint
);

-- Links with which an operator signs in once, by the digests of their tokens. Whoever adds one has the operator's row
-- locked.
CREATE TABLE operator_links (
    digest     bytea  NOT NULL PRIMARY KEY,
    operator   text   NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX operator_links_of ON operator_links (operator);
CREATE INDEX operator_links_end ON operator_links (expires_at);

-- Sessions of operators, by the digests of their tokens. Whoever begins one has the operator's row locked.
CREATE TABLE operator_sessions (
    digest   bytea  NOT NULL PRIMARY KEY,
    operator text   NOT NULL,
    began_at bigint NOT NULL,
    seen_at  bigint NOT NULL
);
CREATE INDEX operator_sessions_of ON operator_sessions (operator);
CREATE INDEX operator_sessions_end ON operator_sessions (seen_at);

-- What operators change: an entry before the change, and its outcome after it. Rows are only added, until they are old.
CREATE TABLE audit_log (
    id         uuid   NOT NULL PRIMARY KEY,
    at         bigint NOT NULL,
    actor_kind text   NOT NULL,
    actor      text   NOT NULL,
    address    text,
    via        text   NOT NULL,
    method     text   NOT NULL,
    route      text   NOT NULL,
    path       text   NOT NULL,
    request    text,
    before     text
);
CREATE INDEX audit_log_of ON audit_log (actor, id);

CREATE TABLE audit_outcomes (
    id     uuid   NOT NULL PRIMARY KEY,
    at     bigint NOT NULL,
    status bigint NOT NULL,
    after  text
);

-- Nodes: each start of the program is an epoch. One that is over owns nothing any more. report is what it told the
-- others of itself last.
CREATE TABLE nodes (
    epoch     bigint  NOT NULL PRIMARY KEY,
    name      text    NOT NULL,
    build     text    NOT NULL,
    joined_at bigint  NOT NULL,
    ends_at   bigint  NOT NULL,
    is_over   boolean NOT NULL DEFAULT false,
    is_draining boolean NOT NULL DEFAULT false,
    report    text    NOT NULL DEFAULT ''
);
CREATE INDEX nodes_living ON nodes (epoch) WHERE NOT is_over;

-- The sessions with a carrier, numbered from 0, and the epoch that holds each.
CREATE TABLE carrier_slots (
    carrier text   NOT NULL,
    slot    bigint NOT NULL,
    epoch   bigint NOT NULL,
    PRIMARY KEY (carrier, slot)
);

-- Carriers that an operator has stopped: no node connects to one until it is started again.
CREATE TABLE stopped_carriers (
    carrier    text   NOT NULL PRIMARY KEY,
    stopped_at bigint NOT NULL
);

-- A store that was restored is held until an operator releases it: one row then, else none. backed_up_at is the moment
-- that the copy shows.
CREATE TABLE holds (
    id           integer PRIMARY KEY CHECK (id = 1),
    since        bigint  NOT NULL,
    backed_up_at bigint  NOT NULL
);

-- The log of changes: what happened to resources, for those who want to know it afterwards. A row is written only for a
-- kind that a registered consumer wants. All nodes number their changes together: the row of change_log is locked from
-- the numbering until the commit, so that the order of numbers is that of commits. facts says what changed, in the
-- encoding of facts.rs.
CREATE TABLE changes (
    seq        bigint   NOT NULL PRIMARY KEY,
    at         bigint   NOT NULL,
    kind       smallint NOT NULL,
    account_id uuid,
    test       boolean,
    facts      bytea    NOT NULL
);
CREATE TABLE change_log (
    id   integer PRIMARY KEY CHECK (id = 1),
    last bigint  NOT NULL
);
INSERT INTO change_log (id, last) VALUES (1, 0);
CREATE TABLE change_consumers (
    name  text   NOT NULL PRIMARY KEY,
    kinds bigint NOT NULL,
    seq   bigint NOT NULL
);

-- Changes that every node has to know within a second: those of who may send, and to whom. Numbered as changes are.
-- position is the number in the log of changes, where a consumer wanted the change. Rows are removed after ten minutes.
CREATE TABLE news (
    seq        bigint   NOT NULL PRIMARY KEY,
    position   bigint,
    at         bigint   NOT NULL,
    account_id uuid,
    test       boolean,
    facts      bytea    NOT NULL,
    made       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE news_log (
    id   integer PRIMARY KEY CHECK (id = 1),
    last bigint  NOT NULL
);
INSERT INTO news_log (id, last) VALUES (1, 0);

-- Has no rows: it is locked as a whole. Transactions that tell of changes hold it together, from their look at who
-- listens until their commit; a transaction in which somebody begins to listen holds it alone.
CREATE TABLE listeners (
    nothing boolean
);

-- Erasures of persons: the record that stays. number is there only while something of it is left, so that a process
-- that starts can go on with the erasure; afterwards only its keyed digest says whose it was.
CREATE TABLE erasures (
    id         uuid   NOT NULL PRIMARY KEY,
    digest     bytea  NOT NULL,
    number     text,
    operator   text   NOT NULL,
    reference  text,
    began_at   bigint NOT NULL,
    ended_at   bigint,
    messages   bigint NOT NULL DEFAULT 0,
    canceled   bigint NOT NULL DEFAULT 0,
    texts      bigint NOT NULL DEFAULT 0,
    events     bigint NOT NULL DEFAULT 0,
    media      bigint NOT NULL DEFAULT 0,
    screenings bigint NOT NULL DEFAULT 0,
    receipts   bigint NOT NULL DEFAULT 0,
    recipients bigint NOT NULL DEFAULT 0,
    requests   bigint NOT NULL DEFAULT 0
);
CREATE INDEX erasures_open ON erasures (id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX erasures_number ON erasures (number) WHERE number IS NOT NULL;
CREATE INDEX erasures_of ON erasures (digest, id);

-- How far a walk through old rows has come: the last row that it has passed. Text that it left there, because the
-- message had not ended, goes with the message's end. account_id is the nil UUID for a walk through all accounts.
CREATE TABLE retention_marks (
    walk       text NOT NULL,
    account_id uuid NOT NULL,
    carrier    text NOT NULL,
    key        text NOT NULL,
    id         uuid NOT NULL,
    number     bigint NOT NULL,
    PRIMARY KEY (walk, account_id)
);

-- Messages of handsets. account_id is the nil UUID for one that belongs to no account. body is set for text, octets for
-- data, neither for what was removed. missing has an octet for each part that has not come. media has a line for each
-- file.
CREATE TABLE inbound (
    id           uuid    NOT NULL PRIMARY KEY,
    account_id   uuid    NOT NULL,
    test         boolean NOT NULL,
    kind         text    NOT NULL,
    sender       text    NOT NULL,
    recipient    text    NOT NULL,
    body         text,
    octets       bytea,
    encoding     text    NOT NULL,
    segments     integer NOT NULL,
    missing      bytea   NOT NULL,
    keyword_kind text,
    keyword      text,
    suspected    boolean NOT NULL,
    media        text    NOT NULL,
    others       bigint  NOT NULL,
    carrier      text    NOT NULL,
    received_at  bigint  NOT NULL,
    created_at   bigint  NOT NULL,
    erased_at    bigint
);
CREATE INDEX inbound_unrouted ON inbound (received_at) WHERE account_id = '00000000-0000-0000-0000-000000000000';
CREATE INDEX inbound_of ON inbound (account_id, test, id);
CREATE INDEX inbound_to ON inbound (recipient, account_id, test, id);
CREATE INDEX inbound_from ON inbound (sender, account_id, test, id);

-- The other recipients of group messages, in their order. The column others of a message says how many it has.
CREATE TABLE inbound_others (
    message_id uuid    NOT NULL,
    place      integer NOT NULL,
    address    text    NOT NULL,
    PRIMARY KEY (message_id, place)
);
CREATE INDEX inbound_others_of ON inbound_others (address);

-- Which messages have the object of a file. The messages that one group message became share objects.
CREATE TABLE inbound_media (
    media_id   uuid NOT NULL,
    message_id uuid NOT NULL,
    PRIMARY KEY (media_id, message_id)
);
CREATE INDEX inbound_media_of ON inbound_media (message_id);

-- Names of objects that no message has any more, and whose octets may still be there.
CREATE TABLE inbound_objects_gone (
    name text NOT NULL PRIMARY KEY
);

-- Messages in parts. state: 0 parts are missing and awaited, 1 shown without the missing ones, 2 whole, 3 replaced by
-- another message with the same reference. forget_at is NULL while parts are awaited. message_id is that of the message
-- as it was shown.
CREATE TABLE inbound_joins (
    id         bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier    text     NOT NULL,
    sender     text     NOT NULL,
    recipient  text     NOT NULL,
    form       smallint NOT NULL,
    reference  integer  NOT NULL,
    total      integer  NOT NULL,
    elements   bytea    NOT NULL,
    state      smallint NOT NULL,
    first_at   bigint   NOT NULL,
    last_at    bigint   NOT NULL,
    message_id uuid,
    forget_at  bigint
);
CREATE INDEX inbound_joins_wait ON inbound_joins (last_at) WHERE forget_at IS NULL;
CREATE INDEX inbound_joins_end ON inbound_joins (forget_at) WHERE forget_at IS NOT NULL;
CREATE INDEX inbound_joins_of ON inbound_joins (sender, recipient, reference, total);

CREATE TABLE inbound_parts (
    join_id bigint  NOT NULL,
    number  integer NOT NULL,
    content bytea   NOT NULL,
    PRIMARY KEY (join_id, number)
);

-- What came from carriers whose answers are not known to have reached them in time: the beginning of the SHA-256 of all
-- that tells one from others.
CREATE TABLE inbound_arrivals (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest bytea  NOT NULL UNIQUE,
    at     bigint NOT NULL
);
CREATE INDEX inbound_arrivals_at ON inbound_arrivals (at);

-- Opt-outs in force. number has the digits of the handset; an empty sender means every sender of the account.
CREATE TABLE opt_outs (
    id         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id uuid    NOT NULL,
    test       boolean NOT NULL,
    number     bigint  NOT NULL,
    sender     text    NOT NULL,
    source     text    NOT NULL,
    keyword    text,
    message_id uuid,
    reason     text,
    at         bigint  NOT NULL
);
CREATE INDEX opt_outs_of ON opt_outs (account_id, test, id);
CREATE UNIQUE INDEX opt_outs_name ON opt_outs (number, account_id, test, sender);

-- Every change of them. Rows are only ever added, but for an erasure.
CREATE TABLE opt_out_history (
    id         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id uuid    NOT NULL,
    test       boolean NOT NULL,
    number     bigint  NOT NULL,
    sender     text    NOT NULL,
    is_out     boolean NOT NULL,
    source     text    NOT NULL,
    keyword    text,
    message_id uuid,
    reason     text,
    at         bigint  NOT NULL
);
CREATE INDEX opt_out_history_of ON opt_out_history (number, account_id, test, id);

-- Automatic messages that were written lately, so that no more are written than there may be.
CREATE TABLE automatic_messages (
    number     bigint  NOT NULL,
    account_id uuid    NOT NULL,
    test       boolean NOT NULL,
    sender     text    NOT NULL,
    at         bigint  NOT NULL,
    message_id uuid    NOT NULL,
    kind       text    NOT NULL,
    PRIMARY KEY (number, account_id, test, sender, at, message_id)
);
CREATE INDEX automatic_messages_at ON automatic_messages (at);

-- Handsets whose messages and opt-outs are changed by one transaction at a time: a row is locked, and stays.
CREATE TABLE handsets (
    number text NOT NULL PRIMARY KEY
);

-- The logs of events: one for each owner that has, or had, an endpoint, or follows its events. last is the last number
-- that was given; it is locked from the numbering until the commit. followed_until: the log is written until then
-- although there may be no endpoint. moved is when a number was given last, by the clock of the database.
CREATE TABLE webhook_logs (
    log            bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id     uuid    NOT NULL,
    test           boolean NOT NULL,
    last           bigint  NOT NULL DEFAULT 0,
    followed_until bigint  NOT NULL DEFAULT 0,
    moved          timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (account_id, test)
) WITH (fillfactor = 50);

-- What happened, in the order of commits. facts says what changed, in the encoding of facts.rs, and never how it is
-- shown: texts and numbers are in the rows of messages, but for opt-outs, whose facts have the number.
CREATE TABLE webhook_events (
    log      bigint   NOT NULL,
    seq      bigint   NOT NULL,
    at       bigint   NOT NULL,
    type     smallint NOT NULL,
    sequence bigint   NOT NULL,
    facts    bytea    NOT NULL,
    PRIMARY KEY (log, seq)
);
CREATE INDEX webhook_events_at ON webhook_events (at);
CREATE INDEX webhook_events_opt ON webhook_events (log, seq) WHERE type IN (6, 7);

-- How many events there were of a resource whose facts do not tell: inbound messages and opt-outs.
CREATE TABLE webhook_sequences (
    log      bigint NOT NULL,
    resource bytea  NOT NULL,
    last     bigint NOT NULL,
    at       bigint NOT NULL,
    PRIMARY KEY (log, resource)
);
CREATE INDEX webhook_sequences_at ON webhook_sequences (at);

-- Endpoints. Everything up to position is delivered, given up, or in webhook_deliveries as pending. An endpoint that is
-- removed keeps its row until its deliveries are removed.
CREATE TABLE webhook_endpoints (
    webhook            bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id                 uuid    NOT NULL UNIQUE,
    log                bigint  NOT NULL,
    url                text    NOT NULL,
    events             text    NOT NULL,
    description        text,
    active             boolean NOT NULL,
    ordering           text    NOT NULL,
    broadcast_messages boolean NOT NULL,
    format             text    NOT NULL DEFAULT 'json',
    created_at         bigint  NOT NULL,
    disabled_reason    text,
    disabled_at        bigint,
    position           bigint  NOT NULL,
    failing_since      bigint,
    failing_attempts   bigint  NOT NULL DEFAULT 0,
    removed            boolean NOT NULL DEFAULT false
);
CREATE INDEX webhook_endpoints_removed ON webhook_endpoints (webhook) WHERE removed;
CREATE INDEX webhook_endpoints_of ON webhook_endpoints (log);

-- The secrets of endpoints, encrypted. The newest has no end; the others sign until theirs.
CREATE TABLE webhook_secrets (
    webhook bigint NOT NULL,
    number  bigint NOT NULL,
    sealed  bytea  NOT NULL,
    ends_at bigint,
    PRIMARY KEY (webhook, number)
);

-- What became of an event at an endpoint. state: 0 pending, 1 succeeded, 2 failed. body is kept from the first failed
-- attempt until the delivery ends, so that every attempt has the same octets; resource says of what it is then, so
-- that an erasure finds it.
CREATE TABLE webhook_deliveries (
    webhook  bigint   NOT NULL,
    seq      bigint   NOT NULL,
    type     smallint NOT NULL,
    at       bigint   NOT NULL,
    state    smallint NOT NULL,
    tries    bigint   NOT NULL,
    due_at   bigint,
    attempts bytea    NOT NULL,
    resource bytea,
    body     text,
    PRIMARY KEY (webhook, seq)
);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook, seq) WHERE state = 0;
CREATE INDEX webhook_deliveries_body ON webhook_deliveries (resource) WHERE body IS NOT NULL;

-- Ranges of the log that are delivered once more. state narrows them to deliveries in that state.
CREATE TABLE webhook_replays (
    replay   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook  bigint NOT NULL,
    next_seq bigint NOT NULL,
    end_seq  bigint NOT NULL,
    state    smallint
);
CREATE INDEX webhook_replays_of ON webhook_replays (webhook, replay);
