-- When these walks are due next.
UPDATE timer t SET due_at = r.due_at, woken = false
FROM unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[], %(due)s::timestamptz[]) AS r(contact_id, id, due_at)
WHERE t.bucket = r.contact_id %% %(buckets)s AND t.enrollment_id = r.id
