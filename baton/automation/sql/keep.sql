-- What a step leaves for later ones.
UPDATE enrollment e SET data = e.data || jsonb_build_object(%(step)s::text, coalesce(e.data -> %(step)s::text, '{}') || r.kept::jsonb)
FROM unnest(%(contact_ids)s::bigint[], %(ids)s::bigint[], %(kept)s::text[]) AS r(contact_id, id, kept)
WHERE e.contact_id = r.contact_id AND e.id = r.id
