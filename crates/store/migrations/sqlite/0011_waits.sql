-- The waits for receipts in the order of their ends: of messages that are in the index of lists and were still waiting
-- when they came into it. Most receipts come before that, so that most messages never have an entry. An entry whose
-- message waits no more, or longer, is removed when its time comes.
CREATE TABLE receipt_waits (
    receipt_by INTEGER NOT NULL,
    message_id BLOB    NOT NULL,
    PRIMARY KEY (receipt_by, message_id)
) WITHOUT ROWID;
INSERT INTO receipt_waits (receipt_by, message_id)
    SELECT receipt_by, message_id FROM delivery WHERE status = 'sent' AND receipt_by IS NOT NULL;
DROP INDEX delivery_receipt;
