-- After a pause: who waited for a length of time has as much of it left as when the pause began. Who was woken, or was due before, is due.
WITH frozen AS MATERIALIZED (
    SELECT t.bucket, t.enrollment_id, e.contact_id, e.step, e.turn
    FROM enrollment e JOIN timer t ON t.bucket = e.contact_id %% %(buckets)s AND t.enrollment_id = e.id
    WHERE e.workflow_id = %(workflow)s AND e.state = 'active' AND e.version_id = %(version)s AND e.step = ANY (%(steps)s)
      AND t.due_at > %(since)s AND NOT t.woken
), moved AS (
    UPDATE timer t SET due_at = t.due_at + %(length)s FROM frozen f WHERE t.bucket = f.bucket AND t.enrollment_id = f.enrollment_id
    RETURNING t.enrollment_id, t.due_at
), told AS (
    UPDATE step_run s SET detail = jsonb_set(s.detail, '{until}', to_jsonb(m.due_at))
    FROM frozen f JOIN moved m ON m.enrollment_id = f.enrollment_id
    WHERE s.contact_id = f.contact_id AND s.enrollment_id = f.enrollment_id AND s.step = f.step AND s.turn = f.turn AND s.outcome = 'waiting'
)
SELECT count(*) FROM moved
