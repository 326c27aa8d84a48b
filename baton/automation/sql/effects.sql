-- What a step did, where that is more than "done".
UPDATE step_run s SET outcome = r.outcome, detail = r.detail
FROM unnest(%(contact_ids)s::bigint[], %(enrollment_ids)s::bigint[], %(outcomes)s::text[], %(details)s::jsonb[]) AS r(contact_id, enrollment_id, outcome, detail)
WHERE s.contact_id = r.contact_id AND s.enrollment_id = r.enrollment_id AND s.step = %(step)s AND s.contact_id = ANY (%(contact_ids)s)
