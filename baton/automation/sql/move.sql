-- These walks stand there now.
UPDATE enrollment e SET step = %(step)s, turn = %(turn)s, state = %(state)s, reason = %(reason)s, entered_at = %(now)s, finished_at = %(finished)s
FROM unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[]) AS r(contact_id, id)
WHERE e.contact_id = r.contact_id AND e.id = r.id
