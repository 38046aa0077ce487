-- What the screen found in the text of a message at its time to leave is younger than the message, so that ids do not
-- lead from one to the other.
CREATE INDEX screening_log_about ON screening_log (about) WHERE about <> '';
