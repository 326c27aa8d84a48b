-- Who goes on at another step leaves the one where he waits or failed. The row keeps what it was, for the way back.
WITH closed AS (
    UPDATE step_run s
    SET outcome = 'left', done_at = %(now)s, detail = s.detail || jsonb_build_object('moved', s.outcome, 'was', s.outcome, 'left', 'version')
    FROM enrollment_moved m JOIN enrollment e ON e.contact_id = m.contact_id AND e.id = m.enrollment_id AND e.version_id <> %(to)s
    WHERE m.to_version = %(to)s AND m.to_step <> m.from_step
      AND s.contact_id = m.contact_id AND s.enrollment_id = m.enrollment_id AND s.step = m.from_step AND s.turn = m.from_turn
      AND s.outcome IN ('waiting', 'failed')
    RETURNING s.contact_id, s.enrollment_id, s.turn, s.step, s.detail, s.at, m.to_step
), laid AS (
    -- a wait goes on in a wait, with its time; a failure stays one, with its reason, until somebody tries again
    INSERT INTO step_run (contact_id, enrollment_id, step, turn, workflow_id, outcome, detail, at)
    SELECT c.contact_id, c.enrollment_id, c.to_step, c.turn, %(workflow)s, c.detail ->> 'moved',
        c.detail - 'moved' - 'was' - 'left' || jsonb_build_object('moved_from', c.step), c.at
    FROM closed c
    WHERE c.to_step <> '' AND (c.detail ->> 'moved' = 'failed' OR
        (c.step, c.to_step) IN (SELECT r.old, r.new FROM unnest(%(alike_old)s::text[], %(alike_new)s::text[]) AS r(old, new)))
    ON CONFLICT (contact_id, enrollment_id, step, turn) DO NOTHING
    RETURNING step, outcome
)
INSERT INTO workflow_tally (workflow_id, step, outcome, n)
SELECT %(workflow)s, d.step, d.outcome, sum(d.n) FROM (
    SELECT step, 'left' AS outcome, 1 AS n FROM closed
    UNION ALL SELECT step, detail ->> 'moved', -1 FROM closed
    UNION ALL SELECT step, outcome, 1 FROM laid
) d
GROUP BY d.step, d.outcome HAVING sum(d.n) <> 0
