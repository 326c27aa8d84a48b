-- Failed runs, whose rows the caller holds, are due again; with `outcome` the step that failed counts as passed over.
WITH held AS MATERIALIZED (
    SELECT e.contact_id, e.id, e.workflow_id, e.step, e.turn
    FROM enrollment e JOIN unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[]) AS r(contact_id, id) ON e.contact_id = r.contact_id AND e.id = r.id
    WHERE e.state = 'failed'
      AND NOT EXISTS (SELECT 1 FROM enrollment o WHERE o.contact_id = e.contact_id AND o.workflow_id = e.workflow_id AND o.state = 'active')
), back AS (
    UPDATE enrollment e SET state = 'active', reason = '', finished_at = NULL FROM held h WHERE e.contact_id = h.contact_id AND e.id = h.id
), due AS (
    INSERT INTO timer (bucket, enrollment_id, contact_id, workflow_id, due_at) SELECT contact_id %% %(buckets)s, id, contact_id, workflow_id, %(now)s FROM held
    ON CONFLICT (bucket, enrollment_id) DO UPDATE SET due_at = excluded.due_at
), noted AS (
    UPDATE step_run s
    SET detail = s.detail || %(note)s::jsonb, outcome = CASE WHEN %(outcome)s <> '' THEN %(outcome)s ELSE s.outcome END,
        done_at = CASE WHEN %(outcome)s <> '' THEN %(now)s::timestamptz ELSE s.done_at END
    FROM held h WHERE s.contact_id = h.contact_id AND s.enrollment_id = h.id AND s.step = h.step AND s.turn = h.turn AND s.outcome = 'failed'
    RETURNING s.workflow_id, s.step, s.outcome
), counted AS (
    INSERT INTO workflow_tally (workflow_id, step, outcome, n)
    SELECT d.workflow_id, d.step, d.outcome, sum(d.n) FROM (
        SELECT workflow_id, '' AS step, 'active' AS outcome, 1 AS n FROM held
        UNION ALL SELECT workflow_id, '', 'failed', -1 FROM held
        UNION ALL SELECT workflow_id, step, outcome, 1 FROM noted
        UNION ALL SELECT workflow_id, step, 'failed', -1 FROM noted
    ) d
    GROUP BY d.workflow_id, d.step, d.outcome HAVING sum(d.n) <> 0
)
SELECT contact_id, id, workflow_id FROM held
