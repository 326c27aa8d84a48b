-- New messages, one for each (contact, cause, channel); gives back those that are new.
INSERT INTO message (contact_id, id, cause, channel, email_id, version, sender, address, subject, state, reason, attempts, created_at)
SELECT r.contact_id, r.id, r.cause, %(channel)s, r.email_id, r.version, r.sender, coalesce(nullif(r.address, ''), {address}), '', 'queued', '', 0, %(now)s
FROM unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[], %(causes)s::text[], %(email_ids)s::bigint[], %(senders)s::text[],
    %(versions)s::int[], %(addresses)s::text[])
    AS r(contact_id, id, cause, email_id, sender, version, address)
LEFT JOIN contact c ON c.id = r.contact_id
ON CONFLICT (contact_id, cause, channel) DO NOTHING
RETURNING contact_id, id
