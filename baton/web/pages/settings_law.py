"""Settings: the law of advertising messages. What holds and by which article, what the sender still owes, the notices, and what was set aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baton.accounts import permissions, rights, users
from baton.accounts.models import User
from baton.crm.models import Contact
from baton.messaging import exemptions, law, rules
from baton.messaging.consent import notices
from baton.messaging.models import Campaign, Exemption, LawNotice
from baton.platform import clock
from baton.platform.actor import Actor
from baton.platform.errors import Invalid

from ..answer import faults, toast
from ..page import actor, allow, user
from ..parts import people
from ..parts.timeline import who
from ..settings_page import SettingsPage

PERIOD = timedelta(days=365)  # notices are counted by the day they were due
OPEN = 50  # late or failed ones that are shown
KINDS: dict[str, str | Promise] = {
    notices.RESULT: gettext_lazy("Result of an agreement or refusal"),
    notices.CONFIRMATION: gettext_lazy("Confirmation of an agreement"),
}
STATES = {
    "waiting": gettext_lazy("waiting"),
    "mailed": gettext_lazy("on its way"),
    "sent": gettext_lazy("sent"),
    "shown": gettext_lazy("shown on the page"),
    "failed": gettext_lazy("could not be sent"),
    "dropped": gettext_lazy("overtaken by a newer answer"),
}
LAWS = (
    ("", gettext_lazy("As the language of this Baton says")),
    ("kr", gettext_lazy("The Korean law holds")),
    ("none", gettext_lazy("No country’s own rules")),
)


class LawSettings(SettingsPage):
    key = "settings_law"
    slug = "law"
    label = gettext_lazy("Law of advertising")
    about = gettext_lazy("Label, sender, way out, nights and notices, each with its article; what was set aside, and by whom.")
    glyph = "scale"
    section = "messages"
    order = 20
    area = "settings"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("settings/law/", page)]

    @classmethod
    def fact(cls) -> str:
        return _("Details are missing") if law.missing(users.account(), rules.rules()) else ""


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of notice over a year: how many are in each state, how many are late, and when the next is due."""

    label: str | Promise
    article: str
    states: Sequence[tuple[str | Promise, int]]
    late: int
    next_at: Any


@allow("settings", "view")
def page(request: HttpRequest) -> HttpResponse:
    """The page; POST saves and answers the form. 422 with the faults under their fields."""
    found = rules.rules()
    values: dict[str, Any] = {"law": found.law, "confirm_ahead": found.confirm_ahead, **{name: getattr(found, name) for name in rules.SWITCHES}}
    errors: dict[str, str] = {}
    if request.method == "POST":
        permissions.require(request.user, "settings", "edit")
        ahead = request.POST.get("confirm_ahead", "").strip()
        values = {"law": request.POST.get("law", ""), "confirm_ahead": ahead, **{name: name in request.POST for name in rules.SWITCHES}}
        try:
            rules.change(values | {"confirm_ahead": int(ahead) if ahead.isascii() and ahead.isdecimal() and len(ahead) < 9 else -1}, actor=actor(request))
        except Invalid as error:
            errors = faults(error)
    context = _context(request) | {"values": values, "errors": errors}
    if request.method != "POST":
        return render(request, "law/page.html", context)
    response = render(request, "law/body.html", context, status=422 if errors else 200)
    return response if errors else toast(response, _("Saved"))


def _context(request: HttpRequest) -> dict[str, Any]:
    account, ruled = users.account(), rules.rules()
    missing = set(law.missing(account, ruled))
    (open_, more_open), aside = _open(request), _set_aside()
    return {
        "may_edit": permissions.can(request.user, "settings", "edit"), "label": LawSettings.label, "korean": ruled.korean, "articles": law.ARTICLES,
        "laws": LAWS, "sender": [(word, getattr(account, name), name in missing) for name, word in law.SENDER.items()], "missing": bool(missing),
        "notices": _notices(), "open": open_, "more_open": more_open, "months": notices.MONTHS, "within": notices.WITHIN.days,
        "set_aside": aside[:OPEN], "more_aside": len(aside) > OPEN,
    }  # fmt: skip


def _notices() -> list[Row]:
    counts = notices.counts(clock.now() - PERIOD)
    rows = []
    for kind, label in KINDS.items():
        mine = [count for count in counts if count.kind == kind]
        by_state = {count.state: count.n for count in mine}
        nexts = [count.next_at for count in mine if count.next_at]
        states = [(word, by_state[state]) for state, word in STATES.items() if state in by_state]
        rows.append(Row(label, law.ARTICLES[kind], states, sum(count.late for count in mine), min(nexts, default=None)))
    return rows


def _open(request: HttpRequest) -> tuple[list[tuple[people.Person, LawNotice, str | Promise]], bool]:
    """Notices that are late or could not be sent, of people the user may see, those due first; and whether there are more than are looked at."""
    held = rights.of(user(request))
    late = LawNotice.objects.filter(state__in=("waiting", "mailed"), due_at__lt=clock.now())
    failed = LawNotice.objects.filter(state="failed", due_at__gt=clock.now() - PERIOD)
    found = list((late | failed).order_by("due_at", "id")[: OPEN + 1])
    contacts = {c.pk: c for c in Contact.objects.filter(pk__in={n.contact_id for n in found[:OPEN]})}
    seen = [(contacts[n.contact_id], n) for n in found[:OPEN] if n.contact_id in contacts]
    mine = [(people.person(contact), n, KINDS[n.kind]) for contact, n in seen if held.may("contact", "view", [contact.owner_id])]
    return mine, len(found) > OPEN


def _set_aside() -> list[tuple[Exemption, str, str, str]]:
    """What colleagues set aside: the row, the campaign's name, the rule in words, who; one more than is shown."""
    found = list(Exemption.objects.order_by("-at")[: OPEN + 1])
    names = dict(Campaign.objects.filter(pk__in={row.campaign_id for row in found}).values_list("pk", "name"))
    by = {Actor.parse(row.actor).id or 0 for row in found}
    colleagues = dict(User.objects.filter(pk__in=by).values_list("pk", "name"))  # those who left, too
    return [(row, names.get(row.campaign_id, ""), exemptions.words(row.rule), who(row.actor, colleagues)) for row in found]
