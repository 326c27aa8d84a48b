-- After a pause: who waited for a length of time has as much of it left as when the pause began. Who was due before is due; who was woken meanwhile
-- looks again at once, and has his time left too. `frozen`: the seconds that pauses took of a wait.
WITH frozen AS MATERIALIZED (
    SELECT t.bucket, t.enrollment_id, t.woken, e.contact_id, e.step, e.turn
    FROM enrollment e JOIN timer t ON t.bucket = e.contact_id %% %(buckets)s AND t.enrollment_id = e.id
    WHERE e.workflow_id = %(workflow)s AND e.state = 'active' AND e.version_id = %(version)s AND e.step = ANY (%(steps)s) AND t.due_at > %(since)s
), moved AS (
    UPDATE timer t SET due_at = t.due_at + %(length)s FROM frozen f WHERE t.bucket = f.bucket AND t.enrollment_id = f.enrollment_id AND NOT f.woken
    RETURNING t.enrollment_id
), told AS (
    UPDATE step_run s SET detail = s.detail || jsonb_build_object(
        'until', (s.detail ->> 'until')::timestamptz + %(length)s,
        'frozen', coalesce((s.detail ->> 'frozen')::double precision, 0) + extract(epoch FROM %(length)s::interval)
    )
    FROM frozen f
    WHERE s.contact_id = f.contact_id AND s.enrollment_id = f.enrollment_id AND s.step = f.step AND s.turn = f.turn AND s.outcome = 'waiting'
)
SELECT count(*) FROM moved
