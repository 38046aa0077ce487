-- Senders are numbers, short codes and names, each in the column number as it is written. Of names that differ in
-- case alone there is one: folded
-- has a name in lower case, and is NULL for the other kinds.
ALTER TABLE numbers ADD COLUMN folded TEXT;
CREATE UNIQUE INDEX numbers_folded ON numbers (folded) WHERE folded IS NOT NULL;
