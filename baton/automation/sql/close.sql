-- These runs, which have ended, wait at no step any more.
WITH leaving AS (
    UPDATE step_run s SET outcome = 'left', done_at = %(now)s, detail = s.detail || jsonb_build_object('was', 'waiting')
    FROM unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[]) AS r(contact_id, id)
    WHERE s.contact_id = r.contact_id AND s.enrollment_id = r.id AND s.outcome = 'waiting'
    RETURNING s.workflow_id, s.step
)
INSERT INTO workflow_tally (workflow_id, step, outcome, n)
SELECT l.workflow_id, l.step, d.outcome, sum(d.n) FROM leaving l CROSS JOIN (VALUES ('left', 1), ('waiting', -1)) AS d(outcome, n)
GROUP BY l.workflow_id, l.step, d.outcome
