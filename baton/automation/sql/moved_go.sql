-- Everybody else stands in the new version; who stays at his step, or in a wait, has been there as long as before.
UPDATE enrollment e
SET version_id = %(to)s, step = m.to_step,
    entered_at = CASE
        WHEN m.to_step = m.from_step THEN e.entered_at
        WHEN EXISTS (
            SELECT 1 FROM step_run s
            WHERE s.contact_id = e.contact_id AND s.enrollment_id = e.id AND s.step = m.to_step AND s.turn = e.turn AND s.outcome = 'waiting'
        ) THEN e.entered_at
        ELSE %(now)s
    END
FROM enrollment_moved m
WHERE m.to_version = %(to)s AND m.to_step <> '' AND e.contact_id = m.contact_id AND e.id = m.enrollment_id AND e.version_id <> %(to)s
