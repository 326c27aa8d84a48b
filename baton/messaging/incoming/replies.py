"""Answers to our mails: is it a person's, and who of the colleagues hears of it."""

import re
from collections.abc import Collection
from datetime import timedelta
from email.message import EmailMessage

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from baton.events.vocabulary import Kind
from baton.messaging.colleagues import alerts, mailed, notify
from baton.messaging.colleagues.notify import Notice
from baton.messaging.incoming import parsing
from baton.platform import clock, sql
from baton.segments import handover

LATE = timedelta(days=1)  # for so long a worker may have been away and still tell
SHOWN = 280  # letters of an answer in a notice

# RFC 3834, and what programs did before it. X-Auto-Response-Suppress is no sign: Outlook puts it on mails of people too.
MARKED = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply")
SUBJECT = re.compile(
    r"^\W*(?:re|fw|답장|회신)?\W*(?:out of (?:the )?office|auto(?:matic|mated)?[ -]?(?:reply|response)|autoreply|"
    r"away from (?:the |my )?(?:office|desk)|on (?:vacation|leave)|"
    r"자동 ?(?:응답|회신|답장)|부재 ?중|부재 ?(?:알림|안내)|휴가 ?(?:중|안내|알림)|출장 ?중|"
    r"自動(?:返信|応答)|不在(?:通知|連絡|の)|休暇中|abwesenheit|absence du bureau|automatische antwort|réponse automatique)",
    re.I,
)
NOBODY = re.compile(r"^(?:no-?reply|do-?not-?reply|donotreply|noreply|mailer-daemon|postmaster|bounces?)\b", re.I)
BEFORE = re.compile(r"^(?:\s*(?:re|fw|fwd|aw|sv|답장|회신|전달|返信|転送)\s*(?:\[\d+\])?\s*[:：]\s*)+", re.I)


def automatic(mail: EmailMessage) -> bool:
    """Whether a program wrote it: out of office, a receipt. It never counts as an answer."""
    submitted = str(mail["auto-submitted"] or "no").split(";")[0].strip().lower()
    if submitted != "no" or any(mail[name] for name in MARKED):
        return True
    if str(mail["precedence"] or "").strip().lower() in ("auto_reply", "auto-reply"):
        return True
    return bool(SUBJECT.search(str(mail["subject"] or "")) or NOBODY.search(sender(mail)))


def sender(mail: EmailMessage) -> str:
    """Who wrote it: the address, in small letters."""
    return next((address.lower() for address in parsing.addresses([mail["from"] or ""])), "")


def topic(subject: str) -> str:
    """A subject without what mail programs put before it."""
    return " ".join(BEFORE.sub("", " ".join(subject.split())).split())


NEW = """
SELECT e.contact_id, e.id, e.payload ->> 'subject', e.payload ->> 'text'
FROM event e WHERE e.contact_id = ANY (%s) AND e.kind = %s AND e.ts >= %s
"""


def tell(contact_ids: Collection[int]) -> None:
    """Tell the owners of these people that they have answered, each once; by e-mail too if the account wants it."""
    rows = sql.rows(NEW, [sorted(contact_ids), int(Kind.EMAIL_REPLY), clock.now() - LATE])
    if not rows:
        return
    people = alerts.leads({row[0] for row in rows})
    notices = []
    for contact_id, event_id, subject, text in rows:
        for user in people[contact_id].users if contact_id in people else ():
            with translation.override(user.language or settings.LANGUAGE_CODE):
                title = _("{name} answered: {subject}").format(name=people[contact_id].title, subject=topic(subject or "") or _("(no subject)"))
            notices.append(Notice(user.pk, f"reply:{contact_id}:{event_id}", title, (text or "")[:SHOWN], f"/contacts/{contact_id}/", contact_id))
    made = notify.many(notices)
    if made and handover.settings().mail:
        for id in made:
            mailed.notice.defer(notification_id=id)
