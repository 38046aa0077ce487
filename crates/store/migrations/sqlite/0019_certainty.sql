-- A policy has an action for texts of which the screen is sure and one for texts of which it is not, where it had one
-- `action` for all. Texts that were blocked go on being blocked where the screen is sure. The other keys stay.
UPDATE accounts SET screening = json_set(
    json_remove(screening, '$.action'),
    '$.sure', CASE screening ->> '$.action' WHEN 'flag' THEN 'flag' WHEN 'off' THEN 'off' ELSE 'block' END,
    '$.unsure', CASE screening ->> '$.action' WHEN 'off' THEN 'off' ELSE 'flag' END
)
WHERE CASE WHEN json_valid(screening) THEN json_type(screening) = 'object' END;

-- How certain the surest finding is. There was one point, and everything above it was sure.
ALTER TABLE screening_log ADD COLUMN certainty TEXT NOT NULL DEFAULT 'sure';

-- Each filter has the mode just before the id, and the certainty before the mode.
DROP INDEX screening_log_with;
DROP INDEX screening_log_of_with;
CREATE INDEX screening_log_with ON screening_log (outcome, certainty, mode, id);
CREATE INDEX screening_log_of_with ON screening_log (account_id, outcome, certainty, mode, id);
