-- Whom a new version takes over, with where each stands and when he is due: the way back, and the set that the other statements work on.
-- `to_step` comes from the map; null where the map does not say.
INSERT INTO enrollment_moved (contact_id, enrollment_id, to_version, from_version, from_step, from_turn, from_state, to_step, entered_at, due_at, at)
SELECT e.contact_id, e.id, %(to)s, e.version_id, e.step, e.turn, e.state, CASE WHEN e.state = 'queued' THEN %(first)s ELSE r.new END, e.entered_at, t.due_at, %(now)s
FROM (
    SELECT contact_id, id, version_id, step, turn, state, entered_at FROM enrollment
    WHERE workflow_id = %(workflow)s AND version_id = ANY (%(from)s) AND state IN ('active', 'failed', 'queued')
) e
LEFT JOIN timer t ON t.bucket = e.contact_id %% %(buckets)s AND t.enrollment_id = e.id
LEFT JOIN unnest(%(old)s::text[], %(new)s::text[]) AS r(old, new) ON r.old = e.step
