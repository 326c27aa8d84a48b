-- Why each of these messages must not be sent now, or '': a row has contact_id, id, email_id, address (NULL: the contact's own), channel and
-- campaign_id. What is the same for all rows (the kind of mail, the night of a channel, what was set aside) is found once by the planner, not for each row.
-- A bounce or a complaint stops everything; an unsubscription stops marketing, until the person agrees anew. Law: 정보통신망법 제50조 (see law.py).
-- On every channel: no marketing to a dead end, to whom sales called unqualified, and to whom a pause holds until its day.
-- A domain that said it takes no mail (null MX, RFC 7505) is left alone as far as that is known: sending/mx.py asks, this only reads what it wrote down.
-- What a colleague set aside for a campaign (gate_exemption) is in %(exempt)s; a refusal is never set aside.
SELECT m.contact_id, m.id,
    CASE
        WHEN m.email_id IS NULL OR m.email_id <> ALL (%(emails)s) THEN 'no_email'
        WHEN c.id IS NULL OR c.archived_at IS NOT NULL THEN 'archived'
        WHEN s.reason IS NOT NULL AND s.reason <> 'unsubscribed' THEN 'suppressed_' || s.reason
        WHEN a.address = '' THEN 'no_address'
        WHEN m.channel = 'email' AND a.address !~ '^[^@\s<>,;]+@[^@\s<>,;.]+(\.[^@\s<>,;.]+)+$' THEN 'invalid_address'
        WHEN m.channel = 'email' AND lower(split_part(a.address, '@', -1)) IN (
            SELECT n.domain FROM receiver_domain n WHERE n.state = 'null_mx' AND n.looked_at > %(mx_since)s
        ) THEN 'null_mx'
        WHEN x.reason IS NOT NULL AND (x.reason NOT IN ('unsubscribed', 'erased') OR e.ad IS NOT NULL AND (k.granted AND k.at > x.at) IS NOT TRUE)
            THEN 'suppressed_address'
        WHEN e.ad IS NULL THEN ''
        WHEN s.reason IS NOT NULL AND (k.granted IS NOT TRUE OR k.at <= s.at) THEN 'suppressed_' || s.reason
        WHEN t.granted IS FALSE AND (t.expires_at IS NULL OR t.expires_at > %(now)s) THEN 'subscription_refused'
        WHEN k.granted IS FALSE THEN 'no_consent'
        WHEN k.granted IS NULL AND NOT r.rules ? 'no_consent' THEN 'no_consent'
        WHEN k.expires_at <= %(now)s AND NOT r.rules ? 'consent_expired' THEN 'consent_expired'
        WHEN (%(separate)s::boolean[])[e.ad] AND (t.granted IS NOT TRUE OR t.expires_at <= %(now)s) AND NOT r.rules ? 'subscription_missing'
            THEN 'subscription_missing'
        WHEN d.key IS NOT NULL AND NOT r.rules ? 'dead_end' THEN 'dead_end'
        WHEN c.properties ->> 'sales_verdict' = 'unqualified' AND NOT r.rules ? 'unqualified' THEN 'unqualified'
        WHEN p.contact_id IS NOT NULL AND NOT r.rules ? 'paused' THEN 'paused'
        WHEN %(cap)s > 0 AND NOT r.rules ? 'frequency_cap' AND {capped} THEN 'frequency_cap'
        WHEN %(no_sender)s THEN 'no_sender'
        WHEN e.night IS NOT NULL AND k.night IS NOT TRUE
            AND NOT (z.now >= (%(night_ends)s::time[])[e.night] AND z.now < (%(night_begins)s::time[])[e.night]) THEN 'night'
        ELSE ''
    END AS reason, a.address
FROM {rows} m
CROSS JOIN LATERAL (
    SELECT array_position(%(marketing)s::bigint[], m.email_id) AS ad, array_position(%(night_channels)s::text[], m.channel) AS night
) e
LEFT JOIN contact c ON c.id = m.contact_id
CROSS JOIN LATERAL (SELECT coalesce(m.address, c.email, '') AS address) a
LEFT JOIN suppression s ON s.contact_id = m.contact_id AND s.channel = m.channel
LEFT JOIN suppressed_address x ON x.channel = m.channel AND x.hash = sha256(convert_to(%(pepper)s || lower(a.address), 'UTF8'))
LEFT JOIN consent k ON k.contact_id = m.contact_id AND k.channel = m.channel
LEFT JOIN subscription t ON t.contact_id = m.contact_id AND t.type_id = (%(types)s::bigint[])[e.ad] AND t.channel = m.channel
LEFT JOIN lifecycle_stage d ON d.key = c.properties ->> 'lifecyclestage' AND d.kind = 'dead_end'
LEFT JOIN pause p ON p.contact_id = m.contact_id AND p.ended_at IS NULL AND p.until > %(now)s
CROSS JOIN LATERAL (SELECT coalesce(%(exempt)s::jsonb -> m.campaign_id::text, '[]'::jsonb) AS rules) r
CROSS JOIN LATERAL (
    SELECT (%(now)s::timestamptz AT TIME ZONE
        CASE WHEN c.properties ->> 'time_zone' = ANY (%(zones)s::text[]) THEN c.properties ->> 'time_zone' ELSE %(zone)s END)::time AS now
) z
