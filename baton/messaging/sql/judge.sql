-- Why each of these messages must not be sent, or '': a row has contact_id, id, email_id, address, channel.
-- A bounce or a complaint stops everything; an unsubscription stops marketing, until the person agrees anew.
-- On every channel: no marketing to a dead end, to whom sales called unqualified, and to whom a pause holds until its day.
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
FROM {rows} m
LEFT JOIN contact c ON c.id = m.contact_id
LEFT JOIN suppression s ON s.contact_id = m.contact_id AND s.channel = m.channel
LEFT JOIN consent k ON k.contact_id = m.contact_id AND k.channel = m.channel
LEFT JOIN lifecycle_stage d ON d.key = c.properties ->> 'lifecyclestage' AND d.kind = 'dead_end'
LEFT JOIN pause p ON p.contact_id = m.contact_id AND p.ended_at IS NULL AND p.until > %(now)s
