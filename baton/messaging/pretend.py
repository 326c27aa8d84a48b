"""What would become of the messages in the outbox: the same gate decides, and nothing is rendered or handed to anybody. For rehearsals, in their own tables."""

from baton.events import record
from baton.events.vocabulary import Kind
from baton.messaging import gate
from baton.messaging.models import Email
from baton.platform import clock, sql


def deliver() -> int:
    """Settle every message that is due now as if its carrier took it at once; returns how many there were."""
    now = clock.now()
    due = sql.rows("DELETE FROM outbox WHERE due_at <= %s RETURNING message_id, contact_id", [now])
    if not due:
        return 0
    emails = dict(Email.objects.values_list("id", "name"))
    judged = gate.decide([contact for _message, contact in due], [message for message, _contact in due], now)
    go = [(contact, message, email) for contact, message, state, _channel, email, *_rest in judged if state == "claimed"]
    if go:
        sql.run(
            "UPDATE message m SET state = 'sent', sent_at = %s FROM unnest(%s::bigint[], %s::bigint[]) AS r(contact_id, id)"
            " WHERE m.contact_id = r.contact_id AND m.id = r.id",
            [now, [contact for contact, _message, _email in go], [message for _contact, message, _email in go]],
        )
        record.add(
            record.NewEvent(contact, Kind.EMAIL_SENT, now, key_value=str(email), key_label=emails[email], payload={"message": message})
            for contact, message, email in go
        )
    return len(due)
