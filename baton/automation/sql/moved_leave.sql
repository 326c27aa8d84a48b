-- Who is mapped to no step leaves the workflow.
WITH gone AS (
    UPDATE enrollment e SET state = 'removed', reason = 'version', finished_at = %(now)s
    FROM enrollment_moved m
    WHERE m.to_version = %(to)s AND m.to_step = '' AND m.from_state IN ('active', 'failed', 'queued')
      AND e.contact_id = m.contact_id AND e.id = m.enrollment_id AND e.version_id <> %(to)s
    RETURNING e.contact_id, e.id, m.from_state
), idle AS (
    DELETE FROM timer t USING gone g WHERE t.bucket = g.contact_id %% %(buckets)s AND t.enrollment_id = g.id
), counted AS (
    INSERT INTO workflow_tally (workflow_id, step, outcome, n)
    SELECT %(workflow)s, '', d.state, sum(d.n) FROM (SELECT from_state AS state, -1 AS n FROM gone UNION ALL SELECT 'removed', 1 FROM gone) d GROUP BY d.state
)
SELECT contact_id, id FROM gone
