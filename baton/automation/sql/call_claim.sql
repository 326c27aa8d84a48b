-- Take these calls, as far as nobody else has taken them since they were read. Until %(lease)s they are this worker's; should it die, another's from then on.
UPDATE workflow_call c SET due_at = %(lease)s, tries = c.tries + 1
FROM unnest(%(contact_ids)s::bigint[], %(enrollment_ids)s::bigint[], %(steps)s::text[], %(turns)s::smallint[], %(tries)s::smallint[])
    AS r(contact_id, enrollment_id, step, turn, tries)
LEFT JOIN enrollment e ON e.contact_id = r.contact_id AND e.id = r.enrollment_id AND e.state = 'active' AND e.step = r.step AND e.turn = r.turn
WHERE c.contact_id = r.contact_id AND c.enrollment_id = r.enrollment_id AND c.step = r.step AND c.turn = r.turn
    AND c.state = 'queued' AND c.tries = r.tries AND c.due_at <= %(now)s
RETURNING c.contact_id, c.enrollment_id, c.step, c.turn, c.workflow_id, c.method, c.url, c.headers::text, c.body, c.tries, e.version_id
