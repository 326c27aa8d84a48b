-- Take the calls that are due, except those of workflows that stand still. Until %(lease)s they are this worker's; should it die, another's from then on.
WITH due AS (
    SELECT contact_id, enrollment_id, step, turn FROM workflow_call
    WHERE state = 'queued' AND due_at <= %(now)s AND workflow_id <> ALL (%(frozen)s)
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE workflow_call c SET due_at = %(lease)s, tries = c.tries + 1
FROM due
LEFT JOIN enrollment e ON e.contact_id = due.contact_id AND e.id = due.enrollment_id
    AND e.state = 'active' AND e.step = due.step AND e.turn = due.turn
WHERE c.contact_id = due.contact_id AND c.enrollment_id = due.enrollment_id AND c.step = due.step AND c.turn = due.turn
RETURNING c.contact_id, c.enrollment_id, c.step, c.turn, c.workflow_id, c.method, c.url, c.headers::text, c.body, c.tries, e.version_id
