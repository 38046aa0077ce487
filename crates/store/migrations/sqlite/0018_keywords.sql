-- What an account or a number sets about keywords, as JSON; NULL for the platform's defaults.
ALTER TABLE accounts ADD COLUMN keywords TEXT;
ALTER TABLE numbers ADD COLUMN keywords TEXT;

-- The account that had a number before it was taken away or given to another: a STOP to a number that has no account
-- counts for that one.
ALTER TABLE numbers ADD COLUMN former_account BLOB;
