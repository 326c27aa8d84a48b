-- How a step came out for those of whom it is written already: they waited, or it failed and was tried again.
UPDATE step_run s SET outcome = %(outcome)s, detail = s.detail || %(detail)s::jsonb, done_at = CASE WHEN %(outcome)s = 'waiting' THEN NULL ELSE %(now)s::timestamptz END
FROM unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[], %(turns)s::smallint[]) AS r(contact_id, id, turn)
WHERE s.contact_id = r.contact_id AND s.enrollment_id = r.id AND s.step = %(step)s AND s.turn = r.turn
