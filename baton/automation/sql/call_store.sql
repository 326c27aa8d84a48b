-- What came of a call. An answer that is stored already stays; a try whose lease another worker has by now says nothing of the next one.
UPDATE workflow_call SET state = %(state)s, status = %(status)s, answer = %(answer)s, trouble = %(trouble)s, due_at = %(due_at)s
WHERE contact_id = %(contact_id)s AND enrollment_id = %(enrollment_id)s AND step = %(step)s AND turn = %(turn)s
    AND state = 'queued' AND (tries = %(tries)s OR %(state)s = 'done')
