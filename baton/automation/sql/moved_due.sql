-- A wait keeps its time. Where nobody is to wait any longer, and where there is no time to wait for, the walk goes on now.
INSERT INTO timer (bucket, enrollment_id, contact_id, workflow_id, due_at)
SELECT m.contact_id %% %(buckets)s, m.enrollment_id, m.contact_id, %(workflow)s, %(now)s
FROM enrollment_moved m JOIN enrollment e ON e.contact_id = m.contact_id AND e.id = m.enrollment_id AND e.version_id <> %(to)s AND e.state = 'active'
WHERE m.to_version = %(to)s AND m.from_step <> m.to_step AND m.to_step <> '' AND (m.due_at IS NULL OR m.due_at > '9000-01-01' OR (m.due_at > %(now)s AND m.from_step = ANY (%(at_once)s)))
ON CONFLICT (bucket, enrollment_id) DO UPDATE SET due_at = excluded.due_at, woken = false
