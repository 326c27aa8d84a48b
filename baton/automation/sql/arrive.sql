-- These walks are at this step. The row is the step's only run: it is there before any effect, in the same transaction.
INSERT INTO step_run (contact_id, enrollment_id, step, workflow_id, outcome, detail, at)
SELECT r.contact_id, r.enrollment_id, %(step)s, %(workflow)s, 'done', '{}', %(now)s
FROM unnest(%(contact_ids)s::bigint[], %(enrollment_ids)s::bigint[]) AS r(contact_id, enrollment_id)
ON CONFLICT (contact_id, enrollment_id, step, turn) DO NOTHING
RETURNING enrollment_id
