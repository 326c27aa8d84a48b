-- The last gate: who must not get this message, decided when it is about to be sent, not when it was queued.
-- A message still 'handing' was left by a dead worker: it may have arrived, so it is 'unknown' and never goes again by itself.
-- A bounce or a complaint stops everything; an unsubscription stops marketing, until the person agrees anew.
-- On every channel: no marketing to a dead end, to whom sales called unqualified, and to whom a pause holds until its day.
UPDATE message m
SET state = CASE WHEN m.state = 'handing' THEN 'unknown' WHEN g.reason = '' THEN 'claimed' ELSE 'skipped' END,
    reason = CASE WHEN m.state = 'handing' THEN 'interrupted' ELSE g.reason END
FROM (
    SELECT m.contact_id, m.id,
        CASE
            WHEN m.email_id IS NULL OR m.email_id <> ALL (%(emails)s) THEN 'no_email'
            WHEN c.id IS NULL OR c.archived_at IS NOT NULL THEN 'archived'
            WHEN s.reason IS NOT NULL AND s.reason <> 'unsubscribed' THEN 'suppressed_' || s.reason
            WHEN m.address = '' THEN 'no_address'
            WHEN m.email_id <> ALL (%(marketing)s) THEN ''
            WHEN s.reason IS NOT NULL AND (k.granted IS NOT TRUE OR k.at <= s.at) THEN 'suppressed_' || s.reason
            WHEN k.granted IS NOT TRUE THEN 'no_consent'
            WHEN d.key IS NOT NULL THEN 'dead_end'
            WHEN c.properties ->> 'sales_verdict' = 'unqualified' THEN 'unqualified'
            WHEN p.contact_id IS NOT NULL THEN 'paused'
            ELSE ''
        END AS reason
    FROM message m
    LEFT JOIN contact c ON c.id = m.contact_id
    LEFT JOIN suppression s ON s.contact_id = m.contact_id AND s.channel = m.channel
    LEFT JOIN consent k ON k.contact_id = m.contact_id AND k.channel = m.channel
    LEFT JOIN lifecycle_stage d ON d.key = c.properties ->> 'lifecyclestage' AND d.kind = 'dead_end'
    LEFT JOIN pause p ON p.contact_id = m.contact_id AND p.ended_at IS NULL AND p.until > %(now)s
    WHERE m.contact_id = ANY (%(contact_ids)s) AND m.id = ANY (%(ids)s)
) g
WHERE m.contact_id = g.contact_id AND m.id = g.id AND m.contact_id = ANY (%(contact_ids)s) AND m.id = ANY (%(ids)s)
    AND m.state IN ('queued', 'claimed', 'handing')
RETURNING m.contact_id, m.id, m.state, m.channel, m.email_id, m.address, m.attempts
