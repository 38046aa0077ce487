-- Nodes: each start of the program is an epoch. One that is over owns nothing any more. ends_at is in steady time and as of the start: the process that renews an
-- epoch keeps the later ends in memory, because no other process can read them.
CREATE TABLE nodes (
    epoch     INTEGER PRIMARY KEY,
    name      TEXT    NOT NULL,
    build     TEXT    NOT NULL,
    joined_at INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL,
    is_over   INTEGER NOT NULL DEFAULT 0
);

-- The epoch that expands a broadcast; 0 for none.
ALTER TABLE broadcast_progress ADD COLUMN owner INTEGER NOT NULL DEFAULT 0;

-- A lease token has its epoch in the bits from 32 on. Leases of before belong to no epoch.
UPDATE delivery SET lease = 1 WHERE status = 'queued' AND lease <> 0;

-- The sessions with a carrier, numbered from 0, and the epoch that holds each.
CREATE TABLE carrier_slots (
    carrier TEXT    NOT NULL,
    slot    INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    PRIMARY KEY (carrier, slot)
) WITHOUT ROWID;
