-- The name that a client has for a message or a broadcast; NULL for none.
ALTER TABLE messages ADD COLUMN client_reference TEXT;
ALTER TABLE broadcasts ADD COLUMN client_reference TEXT;
CREATE INDEX broadcasts_named ON broadcasts (account_id, mode, client_reference, id) WHERE client_reference IS NOT NULL;

-- The kind of the keyword that a message of the platform answers; NULL for messages of clients.
ALTER TABLE messages ADD COLUMN automatic TEXT;
