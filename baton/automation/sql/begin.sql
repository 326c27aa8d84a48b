-- Of each of these people, the run that has waited longest for his run before to end begins.
WITH next AS (
    SELECT DISTINCT ON (e.contact_id, e.workflow_id) e.contact_id, e.id, e.workflow_id
    FROM enrollment e JOIN unnest(%(contact_ids)s::bigint[], %(workflow_ids)s::bigint[]) AS r(contact_id, workflow_id)
        ON e.contact_id = r.contact_id AND e.workflow_id = r.workflow_id
    WHERE e.state = 'queued'
      AND NOT EXISTS (SELECT 1 FROM enrollment a WHERE a.contact_id = e.contact_id AND a.workflow_id = e.workflow_id AND a.state = 'active')
    ORDER BY e.contact_id, e.workflow_id, e.id
), begun AS (
    UPDATE enrollment e SET state = 'active', entered_at = %(now)s FROM next n WHERE e.contact_id = n.contact_id AND e.id = n.id
), timed AS (
    INSERT INTO timer (bucket, enrollment_id, contact_id, workflow_id, due_at) SELECT contact_id %% %(buckets)s, id, contact_id, workflow_id, %(now)s FROM next
), counted AS (
    INSERT INTO workflow_tally (workflow_id, step, outcome, n)
    SELECT n.workflow_id, '', d.outcome, sum(d.n) FROM next n CROSS JOIN (VALUES ('active', 1), ('queued', -1)) AS d(outcome, n) GROUP BY n.workflow_id, d.outcome
)
SELECT count(*) FROM next
