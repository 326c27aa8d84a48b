-- Due walks of some buckets, with what is known of the step where each stands; the buckets are the caller's until his transaction ends.
-- `was`: how that step came out so far (null: he just comes). `walked`: for those who were moved by hand or by a new version, all they did in this turn.
SELECT e.contact_id, e.id, e.workflow_id, e.version_id, e.step, e.turn, e.entered_at, t.woken, s.outcome, (s.detail ->> 'frozen')::double precision,
    CASE WHEN c.id IS NOT NULL THEN c.archived_at IS NULL
        ELSE EXISTS (SELECT 1 FROM record r WHERE r.id = e.contact_id AND r.archived_at IS NULL) END AS here,
    CASE WHEN EXISTS (SELECT 1 FROM enrollment_moved m WHERE m.contact_id = e.contact_id AND m.enrollment_id = e.id) THEN (
        SELECT jsonb_object_agg(w.step, w.outcome) FROM step_run w WHERE w.contact_id = e.contact_id AND w.enrollment_id = e.id AND w.turn = e.turn
    ) END AS walked,
    t.due
FROM (
    SELECT d.*, count(*) OVER () AS due
    FROM unnest(%(taken)s::int[]) AS b(bucket)
    CROSS JOIN LATERAL (
        SELECT bucket, enrollment_id, contact_id, woken FROM timer
        WHERE bucket = b.bucket AND due_at <= %(now)s AND workflow_id = ANY (%(live)s) AND enrollment_id <> ALL (%(aside)s::bigint[])
            AND (%(only)s::bigint[] IS NULL OR enrollment_id = ANY (%(only)s::bigint[]))
        ORDER BY due_at LIMIT %(limit)s
    ) d
    LIMIT %(limit)s
) t
JOIN enrollment e ON e.contact_id = t.contact_id AND e.id = t.enrollment_id AND e.state = 'active'
LEFT JOIN step_run s ON s.contact_id = e.contact_id AND s.enrollment_id = e.id AND s.step = e.step AND s.turn = e.turn
LEFT JOIN contact c ON c.id = e.contact_id
ORDER BY e.contact_id, e.id
