-- New runs of one workflow, with timers, counts and, for contacts, the event. Where `inside` is "wait", the run of who is inside is queued.
WITH asked AS MATERIALIZED ({candidates}), entered AS (
    INSERT INTO enrollment (contact_id, id, workflow_id, version_id, cause, trigger, policy, state, step, entered_at, enrolled_at)
    SELECT a.contact_id, nextval('enrollment_id_seq'), %(workflow)s, %(version)s, a.cause, %(trigger)s, %(policy)s,
        CASE WHEN %(inside)s = 'wait' AND EXISTS (
            SELECT 1 FROM enrollment e WHERE e.contact_id = a.contact_id AND e.workflow_id = %(workflow)s AND e.state IN ('active', 'queued')
        ) THEN 'queued' ELSE 'active' END,
        %(step)s, %(now)s, %(now)s
    FROM asked a ORDER BY a.contact_id
    ON CONFLICT DO NOTHING
    RETURNING contact_id, id, cause, state
), timed AS (
    INSERT INTO timer (bucket, enrollment_id, contact_id, workflow_id, due_at)
    SELECT contact_id %% %(buckets)s, id, contact_id, %(workflow)s, %(now)s FROM entered WHERE state = 'active'
), counted AS (
    INSERT INTO workflow_tally (workflow_id, step, outcome, n)
    SELECT %(workflow)s, '', state, count(*) FROM entered GROUP BY state
    UNION ALL SELECT %(workflow)s, %(trigger)s, 'enrolled', count(*) FROM entered WHERE %(trigger)s <> '' HAVING count(*) > 0
), told AS (
    INSERT INTO event (contact_id, ts, id, kind, key, payload)
    SELECT contact_id, %(now)s, floor(random() * 9007199254740992)::bigint, %(kind)s, %(key)s,
        jsonb_build_object('enrollment', id, 'cause', cause, 'actor', %(actor)s::text)
    FROM entered WHERE %(tell)s
)
