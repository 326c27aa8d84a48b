"""The hand-over to sales: SQLs that wait for a verdict, why, since when, and what became of those before them."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from baton.accounts import permissions, rights
from baton.accounts.models import User
from baton.accounts.rights import Rights
from baton.crm import contacts, records, types
from baton.crm.models import Booking, Contact
from baton.platform import clock
from baton.segments import finder, handover, verdicts
from baton.segments.models import Score

from ..answer import targets
from ..page import Page, allow_records, user
from ..parts import verdict
from ..parts.people import colleagues
from ..parts.subject import Subject

PAGE = 30
PERIODS = (30, 90, 365)  # days of the report
TONES = {"first": "accent", "later": "", "short": "outline"}


class Handover(Page):
    key = "handover"
    label = gettext_lazy("Hand-over")
    icon = "gavel"
    group = "customers"
    order = 70

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("handover/", show), path("handover/<int:id>/", one)]


@require_GET
@allow_records("contact", "view")
def show(request: HttpRequest) -> HttpResponse:
    """The queue: `?band=` first, later or short, `?owner=` an id, mine or nobody, `?days=` of the report, `?before=` the last one of the page before."""
    me, held, users = user(request), rights.of(user(request)), colleagues()
    band = request.GET.get("band", "") if request.GET.get("band", "") in handover.BANDS else ""
    owner, asked = whose(request, me, users)
    period = int(request.GET.get("days", "") or 0) if request.GET.get("days", "").isdecimal() and len(request.GET["days"]) < 5 else PERIODS[0]
    period = period if period in PERIODS else PERIODS[0]
    before = request.GET.get("before", "")
    after = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
    limits = handover.bounds()
    ids = finder.ids(handover.waiting(held, owner=owner, band=band, limits=limits), limit=PAGE + 1, after=after)
    counted = handover.counts(held, limits, owner=owner)
    report = handover.report(clock.now() - timedelta(days=period), clock.now(), held)
    definition = handover.definition()
    names = {f"user:{u.pk}": u.name for u in users}
    context = {
        "leads": leads(ids[:PAGE], held, users, limits), "more": ids[PAGE - 1] if len(ids) > PAGE else None, "band": band, "owner": asked,
        "bands": [("", _("All"), counted[""].number), *((key, label, counted[key].number) for key, label in handover.BANDS.items())],
        "owners": owners(users), "periods": [(days, ngettext("{n} day", "{n} days", days).format(n=days)) for days in PERIODS], "period": period,
        "figures": figures(report), "definition": definition, "reviewed": names.get(definition["version"].reviewed_by, "") if definition["version"] else "",
        "verdict_buttons": verdict.buttons(), "params": params(band=band, owner=asked, days=period if period != PERIODS[0] else ""),
        "here": request.get_full_path(), "may_settle": permissions.can(request.user, "settings", "view"),
    }  # fmt: skip
    return render(request, "handover/list.html" if targets(request, "handover") else "handover/page.html", context)


@require_GET
@allow_records("contact", "view")
def one(request: HttpRequest, id: int) -> HttpResponse:
    """One lead with the reasons and the verdict: where the alert and its mail lead."""
    me = user(request)
    held, row = rights.of(me), records.get("contact", id)
    held.require("contact", "view", [row.owner_id])
    subject, model = Subject(types.get("contact"), row, me, held), verdicts.threshold()[0]
    score = Score.objects.filter(contact_id=row.id, model_id=model.pk).first() if model else None
    context = {
        "subject": subject, "verdict": verdict.of(subject, colleagues()), "score": score.total if score else 0,
        "reasons": handover.reasons([row.id], model, 10).get(row.id, []),
        "about": " · ".join(str(row.properties[name]) for name in ("company", "jobtitle") if row.properties.get(name)),
    }  # fmt: skip
    return render(request, "handover/one.html", context)


def whose(request: HttpRequest, me: User, users: list[User]) -> tuple[int | None, str]:
    """The owner that a list is about (0: nobody, None: everybody), and the word of the address."""
    asked = request.GET.get("owner", "")
    if asked == "me":
        return me.pk, asked
    if asked == "none":
        return 0, asked
    found = next((u.pk for u in users if str(u.pk) == asked), None)
    return found, asked if found is not None else ""


def params(**chosen: Any) -> QueryDict:
    """What a link of the page keeps of its address."""
    made = QueryDict(mutable=True)
    made.update({name: str(value) for name, value in chosen.items() if value})
    return made


def owners(users: list[User]) -> list[tuple[str, str]]:
    """The choices of an owner."""
    return [("", _("Everybody")), ("me", _("Mine")), ("none", _("Nobody’s")), *((str(u.pk), u.name) for u in users)]


def leads(ids: list[int], held: Rights, users: list[User], limits: handover.Bounds | None) -> list[dict[str, Any]]:
    """What the queue says of each, in order. A fixed number of queries."""
    rows = {c.id: c for c in Contact.objects.filter(pk__in=ids)}
    model = limits.model if limits else None
    scores = dict(Score.objects.filter(contact_id__in=ids, model_id=model.pk).values_list("contact_id", "total")) if model else {}
    since = {id: _moment(c.properties.get("stage_since")) for id, c in rows.items()}
    touches, why = handover.touches({id: at or rows[id].created_at for id, at in since.items()}), handover.reasons(ids, model)
    again: dict[int, Any] = {}
    for contact_id, at in Booking.objects.filter(contact_id__in=ids, out_of="sql", path__in=["back", "recycle"]).order_by("at").values_list("contact_id", "at"):
        again[contact_id] = at
    names = {u.pk: u.name for u in users}
    found = []
    for id in ids:
        if id not in rows:
            continue
        given, total = rows[id].properties, scores.get(id, 0)
        band = limits.of(total) if limits else "first"
        found.append(
            {
                "id": id, "name": contacts.display_name(given) or f"#{id}", "score": total, "band": handover.BANDS[band], "tone": TONES[band],
                "about": " · ".join(str(given[name]) for name in ("company", "jobtitle") if given.get(name)), "since": since[id],
                "touch": touches.get(id, handover.Touch()), "reasons": why.get(id, []), "owner": names.get(rows[id].owner_id or 0, ""),
                "again": again.get(id), "may_edit": held.may("contact", "edit", [rows[id].owner_id]),
            }
        )  # fmt: skip
    return found


def _moment(stored: Any) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None


def figures(report: handover.Report) -> list[tuple[str, int, int | None, str]]:
    """Label, number, share of all in percent, tone."""

    def share(n: int) -> int | None:
        return round(100 * n / report.total) if report.total else None

    return [
        (_("Became SQL"), report.total, None, ""),
        (_("True SQL"), report.ready, share(report.ready), "good"),
        (_("Rejected"), report.rejected, share(report.rejected), ""),
        (_("of these unqualified"), report.unqualified, share(report.unqualified), ""),
        (_("Paused"), report.paused, share(report.paused), ""),
        (_("Without a verdict"), report.waiting, share(report.waiting), ""),
        (_("of these unworked"), report.unworked, share(report.unworked), "warn" if report.unworked else ""),
    ]
