-- These runs, whose rows the caller holds, end here: no timer, no wait, one more in the count of their new state.
WITH held AS MATERIALIZED (
    SELECT e.contact_id, e.id, e.workflow_id, e.state
    FROM enrollment e JOIN unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[]) AS r(contact_id, id) ON e.contact_id = r.contact_id AND e.id = r.id
    WHERE e.state IN ('active', 'queued', 'failed')
), ended AS (
    UPDATE enrollment e SET state = %(state)s, reason = %(reason)s, finished_at = %(now)s
    FROM held h WHERE e.contact_id = h.contact_id AND e.id = h.id
), untimed AS (
    DELETE FROM timer t USING held h WHERE t.bucket = h.contact_id %% %(buckets)s AND t.enrollment_id = h.id
), leaving AS (
    UPDATE step_run s SET outcome = 'left', done_at = %(now)s, detail = s.detail || jsonb_build_object('was', s.outcome, 'left', %(reason)s::text)
    FROM held h WHERE s.contact_id = h.contact_id AND s.enrollment_id = h.id AND s.outcome IN ('waiting', 'failed')
    RETURNING s.workflow_id, s.step, s.detail ->> 'was' AS was
), counted AS (
    INSERT INTO workflow_tally (workflow_id, step, outcome, n)
    SELECT d.workflow_id, d.step, d.outcome, sum(d.n) FROM (
        SELECT workflow_id, '' AS step, %(state)s AS outcome, 1 AS n FROM held
        UNION ALL SELECT workflow_id, '', state, -1 FROM held
        UNION ALL SELECT workflow_id, step, 'left', 1 FROM leaving
        UNION ALL SELECT workflow_id, step, was, -1 FROM leaving
    ) d
    GROUP BY d.workflow_id, d.step, d.outcome HAVING sum(d.n) <> 0
)
SELECT contact_id, id, workflow_id, state FROM held
