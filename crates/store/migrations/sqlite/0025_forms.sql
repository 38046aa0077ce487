-- What requests to an endpoint look like: 'json' or 'twilio'.
ALTER TABLE webhook_endpoints ADD COLUMN format TEXT NOT NULL DEFAULT 'json';

-- Where the client of a message wants to hear of its status.
ALTER TABLE messages ADD COLUMN status_callback TEXT;
