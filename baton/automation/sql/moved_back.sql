-- Rollback: who has done nothing since a later version took him over goes back to where he stood: same step, turn, time and timer.
-- What his steps did since then is in step_run; rows that a move itself closed (`moved`) or laid (`moved_from`) are no steps of his.
-- All parts see the tables as they were before the statement.
WITH stood AS MATERIALIZED (
    SELECT b.*, e.state AS state_now
    FROM (
        SELECT DISTINCT ON (m.contact_id, m.enrollment_id) m.contact_id, m.enrollment_id, m.from_version, m.from_step, m.from_turn, m.from_state, m.entered_at, m.due_at, m.at
        FROM enrollment_moved m
        WHERE m.to_version = ANY (%(later)s)
        ORDER BY m.contact_id, m.enrollment_id, m.at, m.to_version
    ) b
    JOIN enrollment_moved n ON n.contact_id = b.contact_id AND n.enrollment_id = b.enrollment_id AND n.to_version = %(to)s
    JOIN enrollment e ON e.contact_id = b.contact_id AND e.id = b.enrollment_id
    WHERE b.from_version <> ALL (%(later)s) AND b.from_step = ANY (%(known)s) AND e.state IN (b.from_state, 'removed')
      AND NOT EXISTS (
          SELECT 1 FROM step_run s
          WHERE s.contact_id = b.contact_id AND s.enrollment_id = b.enrollment_id AND (s.at > b.at OR (s.done_at > b.at AND NOT s.detail ? 'moved'))
      )
), walks AS (
    UPDATE enrollment e
    SET version_id = %(to)s, step = b.from_step, turn = b.from_turn, state = b.from_state, entered_at = b.entered_at,
        reason = CASE WHEN e.state = 'removed' THEN '' ELSE e.reason END, finished_at = CASE WHEN b.from_state IN ('active', 'queued') THEN NULL ELSE e.finished_at END
    FROM stood b WHERE e.contact_id = b.contact_id AND e.id = b.enrollment_id
    RETURNING e.id
), told AS (
    UPDATE enrollment_moved n SET to_step = b.from_step
    FROM stood b WHERE n.contact_id = b.contact_id AND n.enrollment_id = b.enrollment_id AND n.to_version = %(to)s
), due AS (
    INSERT INTO timer (bucket, enrollment_id, contact_id, workflow_id, due_at)
    SELECT b.contact_id %% %(buckets)s, b.enrollment_id, b.contact_id, %(workflow)s, b.due_at FROM stood b WHERE b.due_at IS NOT NULL
    ON CONFLICT (bucket, enrollment_id) DO UPDATE SET due_at = excluded.due_at, woken = false
), idle AS (
    DELETE FROM timer t USING stood b
    WHERE b.due_at IS NULL AND t.bucket = b.contact_id %% %(buckets)s AND t.enrollment_id = b.enrollment_id
), opened AS (
    UPDATE step_run s SET outcome = s.detail ->> 'moved', detail = s.detail - 'moved' - 'was' - 'left', done_at = NULL
    FROM stood b
    WHERE s.contact_id = b.contact_id AND s.enrollment_id = b.enrollment_id AND s.step = b.from_step AND s.turn = b.from_turn AND s.detail ? 'moved'
    RETURNING s.step, s.outcome
), undone AS (
    DELETE FROM step_run s USING stood b
    WHERE s.contact_id = b.contact_id AND s.enrollment_id = b.enrollment_id AND s.detail ? 'moved_from'
      AND NOT (s.step = b.from_step AND s.turn = b.from_turn)
    RETURNING s.step, s.outcome
), counted AS (
    INSERT INTO workflow_tally (workflow_id, step, outcome, n)
    SELECT %(workflow)s, d.step, d.outcome, sum(d.n) FROM (
        SELECT step, outcome, 1 AS n FROM opened
        UNION ALL SELECT step, 'left', -1 FROM opened
        UNION ALL SELECT step, outcome, -1 FROM undone
        UNION ALL SELECT '', b.from_state, 1 FROM stood b WHERE b.state_now <> b.from_state
        UNION ALL SELECT '', b.state_now, -1 FROM stood b WHERE b.state_now <> b.from_state
    ) d
    GROUP BY d.step, d.outcome HAVING sum(d.n) <> 0
)
SELECT count(*) FROM walks
