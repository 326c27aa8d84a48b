-- Where these walks stand now.
UPDATE enrollment e SET step = r.step, state = r.state, entered_at = r.entered_at, finished_at = r.finished_at
FROM unnest(%(contact_ids)s::bigint[], %(enrollment_ids)s::bigint[], %(steps)s::text[], %(states)s::text[], %(entered)s::timestamptz[], %(finished)s::timestamptz[])
    AS r(contact_id, id, step, state, entered_at, finished_at)
WHERE e.contact_id = r.contact_id AND e.id = r.id AND e.contact_id = ANY (%(contact_ids)s)
