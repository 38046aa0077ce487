-- Until when a message that a carrier took waits for its receipts; NULL when it does not wait, or waits no more. receipt_missing says that the wait
-- ended without them. A message is in the index from the acknowledgement to the receipt, in the order of its deadline, and never while it is queued. Messages that were sent before this migration get
-- 72 hours, those of carriers with receipt_wait_hours = 0 as well: the setting is not known here.
ALTER TABLE delivery ADD COLUMN receipt_by INTEGER;
ALTER TABLE delivery ADD COLUMN receipt_missing INTEGER NOT NULL DEFAULT 0;
UPDATE delivery SET receipt_by = sent_at + 259200000 WHERE status = 'sent';
CREATE INDEX delivery_receipt ON delivery (receipt_by) WHERE status = 'sent' AND receipt_by IS NOT NULL;

-- Held messages are few, and looked for often.
CREATE INDEX delivery_held ON delivery (message_id) WHERE held = 1;

-- What carriers sent and nothing could use. Receipts that wait for their acknowledgement have the fate 'waiting' and their keys in parked_keys; the
-- others are kept for the operator, the last hundred of each carrier and fate. scope is 1 for one segment, 0 for the whole message, and n for all
-- segments of a message that has n.
ALTER TABLE parked_receipts RENAME COLUMN fate TO says;
ALTER TABLE parked_receipts RENAME TO unmatched;
ALTER TABLE unmatched ADD COLUMN fate TEXT NOT NULL DEFAULT 'waiting';
ALTER TABLE unmatched ADD COLUMN reason TEXT NOT NULL DEFAULT 'unknown_id';
ALTER TABLE unmatched ADD COLUMN ended_at INTEGER;
ALTER TABLE unmatched ADD COLUMN bytes INTEGER NOT NULL DEFAULT 256;
ALTER TABLE unmatched ADD COLUMN keys TEXT NOT NULL DEFAULT '';
ALTER TABLE unmatched ADD COLUMN scope INTEGER NOT NULL DEFAULT 1;
ALTER TABLE unmatched ADD COLUMN raw TEXT NOT NULL DEFAULT '';
CREATE INDEX unmatched_of ON unmatched (carrier, fate, id);
CREATE INDEX unmatched_age ON unmatched (at) WHERE fate = 'waiting';
