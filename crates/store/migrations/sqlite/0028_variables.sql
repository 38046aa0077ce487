-- The values of a chunk's recipients for the variables in the broadcast's text, as JSON: an array of texts for each of
-- them. NULL where the text has no variables.
ALTER TABLE broadcast_chunks ADD COLUMN variables TEXT;
