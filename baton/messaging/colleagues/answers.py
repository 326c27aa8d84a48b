"""What colleagues are told about answers to forms: the owner, or those whom the form names. In Baton at once, and by e-mail if the account wants it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from baton.accounts.models import User
from baton.crm import properties
from baton.forms.models import Form, FormSubmission, FormVersion
from baton.messaging.colleagues import alerts, mailed, notify
from baton.messaging.colleagues.notify import Notice
from baton.platform import clock
from baton.segments import handover

LATE = timedelta(days=1)  # for so long a worker may have been away and still tell
QUOTED = 300  # letters of what somebody wrote


def tell(ids: Iterable[int]) -> int:
    """Tell of the forms that these contacts sent, each once. Returns how many notices there were."""
    mine = FormSubmission.objects.filter(contact_id__in={*ids})
    sent = list(mine.filter(Q(at__gt=clock.now() - LATE) | Q(about__via="released")).exclude(version=0))
    forms = dict(Form.objects.filter(pk__in={one.form_id for one in sent}).values_list("pk", "name"))
    rules = {
        (row.form_id, row.number): row.definition.get("notify") or {}
        for row in FormVersion.objects.filter(form_id__in=forms, number__in={one.version for one in sent})
    }
    wanted = [(one, told) for one in sent if (told := rules.get((one.form_id, one.version))) and (told.get("owner") or told.get("users"))]
    if not wanted:
        return 0
    people = alerts.leads({one.contact_id for one, _told in wanted})
    named = {user.pk: user for user in User.objects.filter(is_active=True, pk__in={id for _one, told in wanted for id in told.get("users") or []})}
    known = properties.definitions("contact")
    notices = []
    for one, told in wanted:
        owners = people[one.contact_id].users if told.get("owner") else ()
        for user in {u.pk: u for u in (*owners, *(named[id] for id in told.get("users") or [] if id in named))}.values():
            with translation.override(user.language or settings.LANGUAGE_CODE):
                title = _("{name} sent the form ‘{form}’").format(name=people[one.contact_id].title, form=forms[one.form_id])
            notices.append(Notice(user.pk, f"form:{one.id}", title, _quote(one.values, known), f"/contacts/{one.contact_id}/", one.contact_id))
    made = notify.many(notices)
    if made and handover.settings().mail:
        for id in made:
            mailed.notice.defer(notification_id=id)
    return len(made)


def _quote(values: dict[str, Any], known: Any) -> str:
    """What was written beside the properties: a question, a wish."""
    text = " · ".join(str(value) for name, value in values.items() if name not in known and isinstance(value, str))
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}…"
