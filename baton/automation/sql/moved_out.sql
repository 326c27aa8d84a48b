-- Of those whom a later version put out and who are not inside again: they too may come back.
INSERT INTO enrollment_moved (contact_id, enrollment_id, to_version, from_version, from_step, from_turn, from_state, to_step, entered_at, due_at, at)
SELECT e.contact_id, e.id, %(to)s, e.version_id, e.step, e.turn, e.state, NULL, e.entered_at, NULL, %(now)s
FROM enrollment e
WHERE e.workflow_id = %(workflow)s AND e.state = 'removed' AND e.reason = 'version'
  AND EXISTS (
      SELECT 1 FROM enrollment_moved m
      WHERE m.contact_id = e.contact_id AND m.enrollment_id = e.id AND m.to_version = ANY (%(later)s) AND m.to_step = '' AND m.from_version = e.version_id
  )
  AND NOT EXISTS (
      SELECT 1 FROM enrollment o WHERE o.contact_id = e.contact_id AND o.workflow_id = e.workflow_id AND o.id <> e.id AND o.state IN ('active', 'failed', 'queued')
  )
