-- Carriers that an operator has stopped: no node connects to one until it is started again.
CREATE TABLE stopped_carriers (
    carrier    TEXT    NOT NULL PRIMARY KEY,
    stopped_at INTEGER NOT NULL
) WITHOUT ROWID;
