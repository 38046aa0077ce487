-- What the screen found in the text of a message at its time to leave is younger than the message, so that ids do not
-- lead from one to the other.
CREATE INDEX screening_log_about ON screening_log (about) WHERE about <> '';

-- The texts of messages that leave later, in the order of their times to leave, from which their age is counted.
CREATE INDEX messages_scheduled_texts ON messages (send_at, id)
    WHERE send_at IS NOT NULL AND (body IS NOT NULL OR media_url IS NOT NULL);
CREATE INDEX messages_scheduled_texts_of ON messages (account_id, send_at, id)
    WHERE send_at IS NOT NULL AND (body IS NOT NULL OR media_url IS NOT NULL);
