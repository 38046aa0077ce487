-- Media that are kept, once for all the messages that carry them. The bytes lie outside, under a name that follows from the digest and the id.
-- unneeded_since is when it was first seen that no message waits for them.
CREATE TABLE media (
    id             BLOB    NOT NULL PRIMARY KEY,
    digest         BLOB    NOT NULL,
    kind           TEXT    NOT NULL,
    bytes          INTEGER NOT NULL,
    stored_at      INTEGER NOT NULL,
    unneeded_since INTEGER
) WITHOUT ROWID;
CREATE INDEX media_digest ON media (digest);

ALTER TABLE messages ADD COLUMN media_id BLOB;
ALTER TABLE broadcasts ADD COLUMN media_id BLOB;
CREATE INDEX broadcasts_media ON broadcasts (media_id) WHERE media_id IS NOT NULL;

-- Only what waits needs its media, so that a message leaves the index when a carrier takes it.
ALTER TABLE delivery ADD COLUMN media_id BLOB;
CREATE INDEX delivery_media ON delivery (media_id) WHERE status = 'queued' AND media_id IS NOT NULL;
