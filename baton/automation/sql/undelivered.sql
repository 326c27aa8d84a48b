-- Messages of one workflow that failed or may not have arrived, newest first, with how many there are in all.
SELECT m.contact_id, m.id, c.properties, c.owner_id, split_part(m.cause, ':', 3), m.state, m.reason, m.created_at, count(*) OVER ()
FROM message m
JOIN enrollment e ON e.contact_id = m.contact_id AND e.id::text = split_part(m.cause, ':', 2)
LEFT JOIN contact c ON c.id = m.contact_id
WHERE m.undelivered_at IS NOT NULL AND m.state IN ('failed', 'unknown', 'bounced') AND m.cause LIKE 'step:%%' AND e.workflow_id = %(workflow)s
ORDER BY m.created_at DESC, m.id DESC
LIMIT %(limit)s
