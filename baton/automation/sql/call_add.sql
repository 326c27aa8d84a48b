-- Requests that a step asked for; one a run, step and turn.
INSERT INTO workflow_call (contact_id, enrollment_id, step, turn, workflow_id, method, url, headers, body, state, tries, due_at, answer, trouble, at)
SELECT r.contact_id, r.enrollment_id, %(step)s, r.turn, %(workflow)s, %(method)s, r.url, %(headers)s, r.body, %(state)s, 0, %(now)s, '{}', '', %(now)s
FROM unnest(%(contact_ids)s::bigint[], %(enrollment_ids)s::bigint[], %(turns)s::smallint[], %(urls)s::text[], %(bodies)s::text[])
    AS r(contact_id, enrollment_id, turn, url, body)
ON CONFLICT (contact_id, enrollment_id, step, turn) DO NOTHING
