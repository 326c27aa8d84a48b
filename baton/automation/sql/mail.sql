-- What became of the messages of one step of one workflow. 10, 11, 12, 14: kinds of events/vocabulary.py; an open or a click by a machine does not count.
SELECT
    count(*) FILTER (WHERE m.state IN ('queued', 'claimed', 'handing')),
    count(*) FILTER (WHERE m.state IN ('sent', 'unknown')),
    count(*) FILTER (WHERE o.opened),
    count(*) FILTER (WHERE o.clicked),
    count(*) FILTER (WHERE o.unsubscribed),
    count(*) FILTER (WHERE m.state = 'skipped'),
    count(*) FILTER (WHERE m.state = 'failed')
FROM enrollment e
JOIN message m ON m.contact_id = e.contact_id AND m.cause = 'step:' || e.id || ':' || %(step)s
LEFT JOIN LATERAL (
    SELECT
        bool_or(v.kind IN (11, 12) AND (v.payload ->> 'message')::bigint = m.id AND NOT v.payload ? 'machine') AS opened,
        bool_or(v.kind = 12 AND (v.payload ->> 'message')::bigint = m.id AND NOT v.payload ? 'machine') AS clicked,
        bool_or(v.kind = 14) AS unsubscribed
    FROM event v
    WHERE v.contact_id = m.contact_id AND v.ts >= m.created_at AND v.kind IN (11, 12, 14)
) o ON true
WHERE e.workflow_id = %(workflow)s
