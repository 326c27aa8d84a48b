-- A page of the rows behind a count, newest runs first.
SELECT l.contact_id, l.id, l.turn, coalesce(c.properties, r.properties), l.step, l.outcome, l.at, l.detail
FROM (
    (
        SELECT s.contact_id, s.enrollment_id AS id, s.turn, s.step, s.outcome, s.at, s.detail
        FROM unnest(%(outcomes)s::text[]) AS o(outcome)
        CROSS JOIN LATERAL (
            SELECT * FROM step_run s
            WHERE s.workflow_id = %(workflow)s AND s.step = %(step)s AND s.outcome = o.outcome
              AND s.enrollment_id <= %(enrollment)s AND (s.enrollment_id, s.turn) < (%(enrollment)s, %(turn)s)
            ORDER BY s.enrollment_id DESC, s.turn DESC LIMIT %(limit)s
        ) s
        WHERE %(kind)s = 'step'
    )
    UNION ALL
    (
        SELECT e.contact_id, e.id, 0, e.step, e.state, e.enrolled_at, jsonb_build_object('reason', e.reason)
        FROM unnest(%(outcomes)s::text[]) AS o(state)
        CROSS JOIN LATERAL (
            SELECT * FROM enrollment e
            WHERE e.workflow_id = %(workflow)s AND e.state = o.state AND e.id < %(enrollment)s
            ORDER BY e.id DESC LIMIT %(limit)s
        ) e
        WHERE %(kind)s = 'whole'
    )
    UNION ALL
    (
        SELECT e.contact_id, e.id, 0, e.step, 'enrolled', e.enrolled_at, jsonb_build_object('cause', e.cause)
        FROM enrollment e
        WHERE %(kind)s = 'trigger' AND e.workflow_id = %(workflow)s AND e.trigger = %(step)s AND (e.enrolled_at, e.id) < (%(before)s, %(enrollment)s)
        ORDER BY e.enrolled_at DESC, e.id DESC LIMIT %(limit)s
    )
) l
LEFT JOIN contact c ON c.id = l.contact_id
LEFT JOIN record r ON r.id = l.contact_id
ORDER BY CASE WHEN %(kind)s = 'trigger' THEN l.at END DESC, l.id DESC, l.turn DESC
LIMIT %(limit)s
