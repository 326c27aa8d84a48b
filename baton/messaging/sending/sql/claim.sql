-- Take due messages of one bucket: those nobody works on, and those whose worker did not come back before its lease ended.
-- The list of those is an array: a join might ask for it again and again, and take more than the limit.
-- Those of a campaign wait while it is paused; a cancelled one takes them away.
UPDATE outbox SET leased_until = %(until)s
WHERE bucket = %(bucket)s AND message_id = ANY (ARRAY(
    SELECT message_id FROM outbox
    WHERE bucket = %(bucket)s AND due_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
        AND (campaign_id IS NULL OR campaign_id IN (SELECT id FROM campaign WHERE state IN ('sending', 'testing', 'done')))
    ORDER BY due_at, message_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))
RETURNING message_id, contact_id
