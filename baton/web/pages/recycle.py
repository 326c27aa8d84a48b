"""The recycle desk: who gets no marketing until when, why, by whom and what wakes him; and who came back this month."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from baton.accounts import rights
from baton.accounts.models import User
from baton.accounts.rights import Rights
from baton.crm import contacts, stages
from baton.crm.models import Contact
from baton.segments import pauses, recycle

from ..answer import targets
from ..page import Page, allow_records, user
from ..parts.people import colleagues
from .handover import owners, params, whose


class Recycle(Page):
    key = "recycle"
    label = gettext_lazy("Recycle desk")
    icon = "recycle"
    group = "customers"
    order = 80

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [path("recycle/", show)]


@require_GET
@allow_records("contact", "view")
def show(request: HttpRequest) -> HttpResponse:
    """The desk: `?box=` a recycle stage, `?owner=` an id, me or none, `?after=` the last one of the page before."""
    me, held, users = user(request), rights.of(user(request)), colleagues()
    owner, asked = whose(request, me, users)
    labels = {stage.key: stage.label for stage in stages.known()}
    boxes = recycle.boxes()
    box = request.GET.get("box", "") if request.GET.get("box", "") in boxes else ""
    found = recycle.paused(held, owner=owner, stage=box, after=_after(request.GET.get("after", "")), limit=recycle.PAGE + 1)
    shown, last = found[: recycle.PAGE], found[recycle.PAGE - 1] if len(found) > recycle.PAGE else None
    back, counts = recycle.returned(held, owner=owner), recycle.counts(held, owner=owner)
    people = {c.id: c for c in Contact.objects.filter(pk__in=[*(r.contact_id for r in shown), *(r.contact_id for r in back)])}
    context = {
        "rows": [_row(people[r.contact_id], r, r.owner_id, users, held) | {"stage": labels.get(r.stage, "") if r.stage in boxes else ""} for r in shown],
        "returned": [_returned(people[r.contact_id], r, users) for r in back],
        "more": f"{last.until.isoformat()}~{last.contact_id}" if last else None, "boxes": [("", _("All")), *((key, labels[key]) for key in boxes)],
        "box": box, "owner": asked, "owners": owners(users), "params": params(box=box, owner=asked), "here": request.get_full_path(),
        "figures": [
            (_("Paused"), counts.paused, ""), (_("Back within a week"), counts.soon, ""), (_("With a wake-up condition"), counts.waking, ""),
            (_("Recycled without a day"), counts.endless, f"/contacts/?f=stage:{','.join(boxes)}"),
        ],
    }  # fmt: skip
    return render(request, "recycle/list.html" if targets(request, "recycle") else "recycle/page.html", context)


def _row(contact: Contact, pause: recycle.Paused, owner_id: int | None, users: list[User], held: Rights) -> dict[str, Any]:
    names = {u.pk: u.name for u in users}
    kind, _colon, number = pause.actor.partition(":")
    return {
        "id": contact.id, "name": contacts.display_name(contact.properties) or f"#{contact.id}", "pause": pause, "owner": names.get(owner_id or 0, ""),
        "about": " · ".join(str(contact.properties[name]) for name in ("company", "jobtitle") if contact.properties.get(name)),
        "by": names.get(int(number), "") if kind == "user" and number.isdecimal() else "", "may_edit": held.may("contact", "edit", [contact.owner_id]),
    }  # fmt: skip


def _returned(contact: Contact, row: recycle.Returned, users: list[User]) -> dict[str, Any]:
    names = {u.pk: u.name for u in users}
    why = str(pauses.ENDINGS.get(row.by, pauses.ENDINGS["hand"]))
    return {
        "id": contact.id, "name": contacts.display_name(contact.properties) or f"#{contact.id}", "why": why[:1].upper() + why[1:], "reason": row.reason,
        "at": row.at, "owner": names.get(row.owner_id or 0, ""),
    }  # fmt: skip


def _after(text: str) -> tuple[datetime, int] | None:
    """Where the page begins; a place that is none begins at the top."""
    moment, _mark, number = text.partition("~")
    try:
        found = datetime.fromisoformat(moment.replace(" ", "+")), int(number)
    except ValueError:
        return None
    return found if found[0].tzinfo and 0 <= found[1] < 2**63 else None
