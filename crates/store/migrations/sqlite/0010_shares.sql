-- The segments of a message that carriers took before it was given to another one: a line for each carrier. NULL for nearly every message.
ALTER TABLE delivery ADD COLUMN shares TEXT;
