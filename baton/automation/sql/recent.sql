-- The latest moves of one workflow: who entered, and who did what at which step.
SELECT l.at, l.contact_id, coalesce(c.properties, r.properties), coalesce(c.owner_id, r.owner_id), l.step, l.outcome, l.detail, l.version_id
FROM (
    (
        SELECT s.at, s.contact_id, s.step, s.outcome, s.detail, e.version_id
        FROM step_run s JOIN enrollment e ON e.contact_id = s.contact_id AND e.id = s.enrollment_id
        WHERE s.workflow_id = %(workflow)s AND (%(step)s = '' OR s.step = %(step)s)
        ORDER BY s.at DESC, s.enrollment_id DESC, s.step DESC LIMIT %(limit)s
    )
    UNION ALL
    (
        SELECT e.enrolled_at, e.contact_id, CASE WHEN e.trigger = '' THEN 't' ELSE e.trigger END, 'enrolled', '{}'::jsonb, e.version_id
        FROM enrollment e
        WHERE e.workflow_id = %(workflow)s AND (%(step)s = '' OR %(step)s = e.trigger OR (%(step)s = 't' AND e.trigger = ''))
        ORDER BY e.enrolled_at DESC LIMIT %(limit)s
    )
) l
LEFT JOIN contact c ON c.id = l.contact_id
LEFT JOIN record r ON r.id = l.contact_id
ORDER BY l.at DESC, l.step DESC
LIMIT %(limit)s
