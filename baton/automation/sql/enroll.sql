-- New walks of one workflow; gives back those who entered.
INSERT INTO enrollment (contact_id, id, workflow_id, version_id, cause, trigger, policy, state, step, entered_at, enrolled_at)
SELECT r.contact_id, r.id, %(workflow)s, %(version)s, r.cause, %(trigger)s, %(policy)s, 'active', %(step)s, %(now)s, %(now)s
FROM unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[], %(causes)s::text[]) AS r(contact_id, id, cause)
JOIN contact c ON c.id = r.contact_id AND c.archived_at IS NULL
WHERE NOT EXISTS (
    SELECT 1 FROM enrollment e
    WHERE e.contact_id = r.contact_id AND e.workflow_id = %(workflow)s AND (e.state = 'active' OR %(once)s)
)
ON CONFLICT (contact_id, workflow_id, cause) DO NOTHING
RETURNING contact_id, id
