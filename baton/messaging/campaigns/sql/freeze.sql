-- Freezes an audience at one moment, in one statement. Of people with one address (whatever the case of its letters) the gate says who gets the mail; the
-- others become messages that were skipped. All the rest becomes chunks: people of one bucket, one variant and one time zone, in the order of ids, at most
-- %(size)s in one. Who gets which variant is drawn by lot from contact and campaign, the same however often it is worked out; '' waits for a test's end.
WITH people AS MATERIALIZED (
    {people}
), alike AS MATERIALIZED (
    SELECT a.contact_id FROM (
        SELECT p.contact_id, count(*) OVER (PARTITION BY lower(c.email)) AS n FROM people p JOIN contact c ON c.id = p.contact_id WHERE c.email <> ''
    ) a WHERE a.n > 1
), twin AS MATERIALIZED (
    SELECT s.contact_id FROM ({judged}) s WHERE s.reason = 'duplicate_address'
), skipped AS (
    INSERT INTO message (contact_id, id, cause, channel, email_id, version, campaign_id, variant, address, subject, state, reason, attempts, created_at)
    SELECT t.contact_id, nextval('message_id_seq'), %(cause)s, %(channel)s, %(email)s, %(version)s, %(campaign)s, '', c.email, '',
        'skipped', 'duplicate_address', 0, %(now)s
    FROM twin t JOIN contact c ON c.id = t.contact_id
    RETURNING contact_id
), tallied AS (
    INSERT INTO campaign_tally (bucket, id, campaign_id, variant, state, reason, n)
    SELECT s.bucket, nextval('message_id_seq'), %(campaign)s, '', 'skipped', 'duplicate_address', s.n
    FROM (SELECT m.contact_id %% %(buckets)s AS bucket, count(*) AS n FROM skipped m GROUP BY 1) s
), drawn AS (
    SELECT p.contact_id, p.contact_id %% %(buckets)s AS bucket,
        (%(keys)s::text[])[width_bucket(('x' || substr(md5(p.contact_id || ':' || %(campaign)s), 1, 7))::bit(28)::int %% 10000, %(ends)s::int[]) + 1] AS variant,
        {zone} AS zone
    FROM people p {homes}
    WHERE NOT EXISTS (SELECT 1 FROM twin t WHERE t.contact_id = p.contact_id)
), numbered AS (
    SELECT d.*, (row_number() OVER (PARTITION BY d.bucket, d.variant, d.zone ORDER BY d.contact_id) - 1) / %(size)s AS part FROM drawn d
), chunks AS (
    INSERT INTO campaign_chunk (bucket, id, campaign_id, variant, contact_ids, waiting, due_at, zone)
    SELECT n.bucket, nextval('message_id_seq'), %(campaign)s, n.variant, array_agg(n.contact_id ORDER BY n.contact_id), count(*), %(never)s, n.zone
    FROM numbered n GROUP BY n.part, n.bucket, n.variant, n.zone
    RETURNING waiting
)
SELECT (SELECT count(*) FROM skipped), (SELECT coalesce(sum(waiting), 0) FROM chunks)
