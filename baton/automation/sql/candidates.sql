-- Who of those asked for may enter a workflow now, each with his cause. The same statement counts them before publishing and enrolls them.
SELECT a.contact_id, a.cause
FROM (SELECT DISTINCT ON (q.contact_id) q.contact_id, q.cause FROM ({source}) AS q(contact_id, cause) ORDER BY q.contact_id, q.cause) a
JOIN {table} c ON c.id = a.contact_id
WHERE c.archived_at IS NULL AND {audience}
  AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.contact_id = a.contact_id AND m.segment_id = ANY (%(suppress)s::bigint[]))
  AND NOT EXISTS (
      SELECT 1 FROM enrollment e
      WHERE e.contact_id = a.contact_id AND e.workflow_id = %(workflow)s AND (
          e.cause = a.cause
          -- how often one may enter is what was said when the run before began, and what is said now
          OR e.policy = 'never' OR %(again)s = 'never'
          OR (NOT %(rejoins)s AND (e.policy = 'on_rejoin' OR %(again)s = 'on_rejoin'))
          OR (%(again)s = 'after_days' AND e.enrolled_at > %(now)s - %(days)s * interval '1 day')
          OR CASE WHEN e.policy LIKE 'after_days:%%' THEN e.enrolled_at > %(now)s - split_part(e.policy, ':', 2)::int * interval '1 day' ELSE false END
          OR (%(inside)s = 'stay' AND e.state IN ('active', 'queued'))
      )
  )
