-- Messages of some people of a campaign, as the last gate decides: about to be handed over, or skipped with the reason. Who has one already, and who has to
-- wait (night, no_sender), gets none. Parameters: contact_ids, ids and addresses, the gate's own, and what is the same for all.
-- The gate stands by itself: inlined, it would decide anew wherever its reason is read, four times for each message.
WITH g AS MATERIALIZED ({judged})
INSERT INTO message (contact_id, id, cause, channel, email_id, version, campaign_id, variant, address, subject, sender, state, reason, attempts, created_at)
SELECT g.contact_id, g.id, %(cause)s::text, %(channel)s::text, %(email)s::bigint, %(version)s::int, %(campaign)s::bigint, %(variant)s::text, g.address,
    %(subject)s::text, '', CASE WHEN g.reason = '' THEN 'handing' ELSE 'skipped' END, g.reason, CASE WHEN g.reason = '' THEN 1 ELSE 0 END, %(now)s::timestamptz
FROM g
WHERE g.reason NOT IN ('night', 'no_sender')
ON CONFLICT (contact_id, cause, channel) DO NOTHING
RETURNING contact_id, id, state, reason, address
