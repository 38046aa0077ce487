-- Messages that leave later. send_at is the time of day that the client asked for. A scheduled message has this time in
-- due_at, which is steady time otherwise; nothing but its status keeps it from its carrier.
ALTER TABLE messages ADD COLUMN send_at INTEGER;
CREATE INDEX delivery_scheduled ON delivery (due_at) WHERE status = 'scheduled';
CREATE INDEX delivery_scheduled_media ON delivery (media_id) WHERE status = 'scheduled' AND media_id IS NOT NULL;

-- When it was queued, where that was later than its acceptance.
ALTER TABLE delivery ADD COLUMN queued_at INTEGER;
CREATE INDEX delivery_launched ON delivery (carrier, queued_at) WHERE status = 'queued' AND queued_at IS NOT NULL;
