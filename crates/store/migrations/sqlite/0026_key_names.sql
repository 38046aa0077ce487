-- What people call a key, and when it was used last, to within a minute.
ALTER TABLE keys ADD COLUMN name TEXT;
ALTER TABLE keys ADD COLUMN used_at INTEGER;
