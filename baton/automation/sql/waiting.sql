-- The buckets with walks that are due, and how many each has, up to a batch; whose first has waited longest comes first.
SELECT b.bucket, d.many
FROM generate_series(0, %(buckets)s - 1) AS b(bucket)
CROSS JOIN LATERAL (
    SELECT count(*) AS many, min(f.due_at) AS first
    FROM (
        SELECT due_at FROM timer
        WHERE bucket = b.bucket AND due_at <= %(now)s AND workflow_id = ANY (%(live)s) AND enrollment_id <> ALL (%(aside)s::bigint[])
        ORDER BY due_at LIMIT %(limit)s
    ) f
) d
WHERE d.many > 0
ORDER BY d.first
