-- How steps came out for those of whom it is written already, each in his own way.
UPDATE step_run s SET outcome = r.outcome, detail = s.detail || r.detail::jsonb, done_at = CASE WHEN r.outcome = 'waiting' THEN NULL ELSE %(now)s::timestamptz END
FROM unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[], %(turns)s::smallint[], %(steps)s::text[], %(outcomes)s::text[], %(details)s::text[])
    AS r(contact_id, id, turn, step, outcome, detail)
WHERE s.contact_id = r.contact_id AND s.enrollment_id = r.id AND s.step = r.step AND s.turn = r.turn
