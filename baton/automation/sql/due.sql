-- Walks of one bucket that are due, except in paused workflows. The caller holds the bucket's advisory lock.
SELECT enrollment_id, contact_id
FROM timer
WHERE bucket = %(bucket)s AND due_at <= %(now)s AND workflow_id <> ALL (%(frozen)s)
ORDER BY due_at, enrollment_id
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
