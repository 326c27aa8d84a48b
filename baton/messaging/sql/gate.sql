-- The last gate: who must not get this message (judge.sql), decided when it is about to be sent, not when it was queued.
-- A message still 'handing' was left by a dead worker: it may have arrived, so it is 'unknown' and never goes again by itself.
UPDATE message m
SET state = CASE WHEN m.state = 'handing' THEN 'unknown' WHEN g.reason = '' THEN 'claimed' WHEN g.reason IN ('night', 'no_sender') THEN 'queued' ELSE 'skipped' END,
    reason = CASE WHEN m.state = 'handing' THEN 'interrupted' ELSE g.reason END,
    undelivered_at = CASE WHEN m.state = 'handing' THEN %(now)s::timestamptz END
FROM ({judged}) g
WHERE m.contact_id = g.contact_id AND m.id = g.id AND m.contact_id = ANY (%(contact_ids)s) AND m.id = ANY (%(ids)s)
    AND m.state IN ('queued', 'claimed', 'handing')
RETURNING m.contact_id, m.id, m.state, m.channel, m.email_id, m.address, m.attempts, m.sender, m.version, m.campaign_id, m.variant, m.reason
