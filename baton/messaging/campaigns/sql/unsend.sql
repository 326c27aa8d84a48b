-- Some chunks of one bucket of a cancelled campaign go; whoever of them was not written to is written down as cancelled.
WITH gone AS (
    DELETE FROM campaign_chunk WHERE bucket = %(bucket)s AND id = ANY (ARRAY(
        SELECT id FROM campaign_chunk
        WHERE bucket = %(bucket)s AND campaign_id = %(campaign)s AND (leased_until IS NULL OR leased_until <= %(now)s)
        ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ))
    RETURNING contact_ids, variant
), made AS (
    INSERT INTO message (contact_id, id, cause, channel, email_id, campaign_id, variant, address, subject, state, reason, attempts, created_at)
    SELECT p.contact_id, nextval('message_id_seq'), %(cause)s, %(channel)s, %(email)s, %(campaign)s, g.variant, '', '', 'cancelled', '', 0, %(now)s
    FROM gone g CROSS JOIN unnest(g.contact_ids) AS p(contact_id)
    ON CONFLICT (contact_id, cause, channel) DO NOTHING RETURNING contact_id, variant
), summed AS (
    INSERT INTO campaign_tally (bucket, id, campaign_id, variant, state, reason, n)
    SELECT s.bucket, nextval('message_id_seq'), %(campaign)s, s.variant, 'cancelled', '', s.n
    FROM (SELECT m.contact_id %% %(buckets)s AS bucket, m.variant, count(*) AS n FROM made m GROUP BY 1, 2) s
    RETURNING 1
)
SELECT count(*) FROM gone
