-- Timers whose run is not on its way any more.
DELETE FROM timer t
WHERE t.bucket = ANY (%(taken)s) AND t.due_at <= %(now)s AND t.workflow_id = ANY (%(live)s)
  AND NOT EXISTS (SELECT 1 FROM enrollment e WHERE e.contact_id = t.contact_id AND e.id = t.enrollment_id AND e.state = 'active')
