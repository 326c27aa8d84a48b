"""A contact's record: properties with their history, life cycle, timeline with notes, score with its reasons, what it is linked to."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from baton.accounts import permissions
from baton.accounts.models import User
from baton.automation.models import Enrollment, Workflow
from baton.crm import associations, consent, contacts, pipelines, properties, records
from baton.crm.models import Consent, Contact, PropertyHistory
from baton.events import record
from baton.events.record import NewEvent
from baton.events.vocabulary import Kind
from baton.messaging.models import Suppression
from baton.platform import clock, live, sql
from baton.platform.actor import Actor
from baton.platform.errors import Conflict, Invalid, NotFound
from baton.segments import filter, scoring
from baton.segments.models import Membership, Score, Segment

from ..answer import faults, targets, toast
from ..page import Page, actor, allow
from ..parts import timeline, values
from ..templatetags.fmt import STAGES, day_only, money
from ..parts.people import colleagues

WEEKS = 12  # of the score's trend
SHOWN = 7  # reasons shown at once
HISTORY = 30
CHANNELS = (("email", gettext_lazy("E-mail")), ("kakaotalk", gettext_lazy("KakaoTalk")), ("sms", gettext_lazy("Text message")))


class ContactRecord(Page):
    key = "contact"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            path("contacts/<int:id>/", show),
            path("contacts/<int:id>/news/", news),
            path("contacts/<int:id>/notes/", note),
            path("contacts/<int:id>/consent/", set_consent),
            path("contacts/<int:id>/properties/<str:name>/", edit),
            path("contacts/<int:id>/properties/<str:name>/history/", history),
        ]


@allow("contacts", "view")
def show(request: HttpRequest, id: int) -> HttpResponseBase:
    """The record; `?kind=` filters the timeline, `?before=` continues it. A merged contact's address leads to the one that is left."""
    contact = _contact(id)
    if contact.id != id:
        return redirect(f"/contacts/{contact.id}/", permanent=False)
    users = colleagues()
    kind = request.GET.get("kind", "all")
    story = timeline.story(contact.id, kind, request.GET.get("before", ""), users)
    can_edit = permissions.can(request.user, "contacts", "edit")
    context: dict[str, Any] = {
        "contact": contact, "name": contacts.display_name(contact.properties), "values": contact.properties, "story": story,
        "kinds": timeline.KINDS, "kind": kind, "can_edit": can_edit, "newest": timeline.newest(contact.id),
        "live_topics": [f"contact:{contact.id}"],
    }  # fmt: skip
    if "before" in request.GET and request.headers.get("HX-Request"):
        return render(request, "records/days.html", context)
    if targets(request, "timeline"):
        return render(request, "records/timeline.html", context)
    definitions = properties.definitions("contact")
    context |= {
        "groups": values.groups(definitions, contact.properties, users, editable=can_edit),
        "stage": _stage(contact),
        "score": _score(contact.id),
        "companies": _companies(contact.id),
        "deals": _deals(contact.id),
        "lists": _lists(contact.id),
        "workflows": _workflows(contact.id),
        "consents": _consents(contact.id),
        "owner": values.text(definitions["owner_id"], contact.owner_id, users),
    }
    return TemplateResponse(request, "records/contact.html", context)


@allow("contacts", "view")
def news(request: HttpRequest, id: int) -> HttpResponse:
    """What changed on an open record: score and stage in place; new activity is offered, so that nothing moves under the pointer."""
    contact = _contact(id)
    context = {"contact": contact, "stage": _stage(contact), "score": _score(contact.id), "newer": timeline.newer(contact.id, request.GET.get("since", ""))}
    return render(request, "records/news.html", context)


def _contact(id: int) -> Contact:
    found = records.get("contact", id)
    assert isinstance(found, Contact)
    return found


# Properties -----------------------------------------------------------------


@allow("contacts", "view")
def edit(request: HttpRequest, id: int, name: str) -> HttpResponse:
    """One property: GET the editor (or the value, with `cancel`), POST a new value. `as=cell` is the table's cell."""
    definition = properties.definitions("contact").get(name)
    if definition is None:
        raise NotFound(_("There is no such property."))
    contact = _contact(id)
    users = colleagues()
    can_edit = permissions.can(request.user, "contacts", "edit")
    if request.method == "POST":
        return _save(request, contact, name, users)
    editor = "cancel" not in request.GET and can_edit and not definition.read_only
    return _field(request, contact, name, users, editor=editor)


def _save(request: HttpRequest, contact: Contact, name: str, users: list[User]) -> HttpResponse:
    permissions.require(request.user, "contacts", "edit")
    given: Any = request.POST.getlist("value") if properties.definitions("contact")[name].type == "multi_choice" else request.POST.get("value", "")
    old = contact.properties.get(name)
    try:
        records.update("contact", contact.id, {name: given}, actor=actor(request), source="page")
    except Invalid as error:
        return _field(request, contact, name, users, editor=True, fault=faults(error).get(name, str(error)), typed=given)
    except Conflict:
        return _field(request, contact, name, users, editor=True, fault=_("Another contact has this e-mail address."), typed=given)
    contact = _contact(contact.id)
    response = _field(request, contact, name, users, editor=False)
    if contact.properties.get(name) != old:
        definition = properties.definitions("contact")[name]
        undo_value = ";".join(old) if isinstance(old, list) else "" if old is None else "true" if old is True else "false" if old is False else str(old)
        as_cell = "?as=cell" if request.GET.get("as") == "cell" else ""
        target = f"#c{contact.id} .c-title" if as_cell else f"#p-{name}"
        undo = {"url": f"/contacts/{contact.id}/properties/{name}/{as_cell}", "target": target, "values": {"value": undo_value}}
        text = _("{name}: {label} saved").format(name=contacts.display_name(contact.properties), label=properties.label(definition))
        toast(response, text, undo)
    return response


def _field(request: HttpRequest, contact: Contact, name: str, users: list[User], *, editor: bool, fault: str = "", typed: Any = None) -> HttpResponse:
    raw = contact.properties.get(name)
    can_edit = permissions.can(request.user, "contacts", "edit")
    if request.GET.get("as") == "cell":
        context = {
            "id": contact.id,
            "value": raw if typed is None else typed,
            "name": contacts.display_name(contact.properties),
            "can_edit": can_edit,
            "fault": fault,
        }
        template = "contacts/title_edit.html" if editor else "contacts/title_cell.html"
    else:
        shown = values.value(properties.definitions("contact")[name], raw, users, editable=can_edit)
        context = {"contact": contact, "value": shown, "typed": typed, "fault": fault, "object": "contacts"}
        template = "records/value_edit.html" if editor else "records/value.html"
    return render(request, template, context, status=422 if fault else 200)


@dataclass(frozen=True)
class Change:
    """One line of a property's history."""

    at: Any
    old: str
    new: str
    by: str


@allow("contacts", "view")
def history(request: HttpRequest, id: int, name: str) -> HttpResponse:
    """The last values of one property, with who changed it and when."""
    definition = properties.definitions("contact").get(name)
    if definition is None:
        raise NotFound(_("There is no such property."))
    users = colleagues()
    names = {u.pk: u.name for u in User.objects.all()}
    rows = PropertyHistory.objects.filter(record_id=_contact(id).id, name=name).order_by("-at", "-id")[:HISTORY]
    changes = [Change(r.at, values.text(definition, r.old, users), values.text(definition, r.new, users), who(r.actor, names)) for r in rows]
    return render(request, "records/history.html", {"label": properties.label(definition), "changes": changes})


def who(stored: str, names: dict[int, str]) -> str:
    """The actor of a write in words."""
    by = Actor.parse(stored)
    if by.kind == "user" and by.id in names:
        return names[by.id]
    words = {
        "user": _("a former colleague"),
        "token": _("a program"),
        "form": _("a form"),
        "workflow": _("a workflow"),
        "import": _("an import"),
        "visitor": _("the person"),
        "system": "Baton",
    }
    return words[by.kind]


# Notes and consent -----------------------------------------------------------


@require_POST
@allow("contacts", "edit")
def note(request: HttpRequest, id: int) -> HttpResponse:
    """Write a note into the timeline."""
    contact = _contact(id)
    text = request.POST.get("text", "").strip()
    if not text or len(text) > 20_000:
        raise Invalid.one("text", "REQUIRED", _("Write something first.") if not text else _("The note is too long."))
    with transaction.atomic():
        record.add([NewEvent(contact.id, Kind.NOTE, clock.now(), payload={"text": text, "actor": str(actor(request))})])
        live.publish(f"contact:{contact.id}", what="changed")
    context = {
        "contact": contact,
        "story": timeline.story(contact.id, "all", "", colleagues()),
        "kinds": timeline.KINDS,
        "kind": "all",
        "newest": timeline.newest(contact.id),
    }
    return toast(render(request, "records/timeline.html", context), _("Note saved"))


@require_POST
@allow("contacts", "edit")
def set_consent(request: HttpRequest, id: int) -> HttpResponse:
    """Record by hand that the person agreed to a channel, or refused."""
    contact = _contact(id)
    channel, granted = request.POST.get("channel", ""), request.POST.get("granted", "")
    if channel not in dict(CHANNELS) or granted not in ("yes", "no"):
        raise Invalid.one("channel", "INVALID_OPTION", _("There is no such channel."))
    consent.set([contact.id], channel, granted == "yes", actor=actor(request), source="page")
    response = render(request, "records/consents.html", {"contact": contact, "consents": _consents(contact.id), "can_edit": True})
    return toast(response, _("Consent recorded"))


# What stands beside the timeline ----------------------------------------------


def _stage(contact: Contact) -> dict[str, Any]:
    """The six steps of the life cycle, which is now, and since when."""
    definition = properties.definitions("contact")["lifecyclestage"]
    now = contact.properties.get("lifecyclestage", "")
    number = STAGES.index(now) + 1 if now in STAGES else 0
    steps = [{"label": properties.option_label(definition, key), "done": i < number, "now": i == number} for i, key in enumerate(STAGES, 1)]
    since = PropertyHistory.objects.filter(record_id=contact.id, name="lifecyclestage").order_by("-at", "-id").values_list("at", flat=True).first()
    return {"key": now, "label": properties.option_label(definition, now) if now else "", "steps": steps, "since": since, "on_path": number > 0}


def _score(contact_id: int) -> dict[str, Any] | None:
    """Points now, their way over the last weeks, and the rules they come from. None before a model exists."""
    model = scoring.first_model()
    if model is None:
        return None
    row = Score.objects.filter(contact_id=contact_id, model_id=model.pk).first()
    total = row.total if row else 0
    now = clock.now()
    changes = sql.rows(
        "SELECT ts, value FROM event WHERE contact_id = %s AND kind = %s AND ts > %s", [contact_id, int(Kind.SCORE_CHANGED), now - timedelta(weeks=WEEKS)]
    )
    weekly = [round(total - sum(v or 0 for ts, v in changes if ts > now - timedelta(weeks=back))) for back in range(WEEKS - 1, -1, -1)]
    hits = [h for h in scoring.explain(contact_id, model) if h.times and h.points]
    reasons = [{"text": filter.sentence(h.rule.filter), "times": h.times, "points": h.points, "bar": min(abs(h.points), 50)} for h in hits]
    top = max(*weekly, 1)
    fit, engagement = (row.fit, row.engagement) if row else (0, 0)
    return {
        "total": total, "fit": fit, "engagement": engagement, "fit_part": max(fit, 0), "engagement_part": max(engagement, 0),
        "weekly": weekly, "week": round(sum(v or 0 for ts, v in changes if ts > now - timedelta(days=7))),
        "band": "sql" if total >= model.sql else "mql" if total >= model.mql else "", "mql": model.mql, "sql": model.sql,
        "mql_y": _height(model.mql, top), "sql_y": _height(model.sql, top),
        "reasons": reasons[:SHOWN], "rest": reasons[SHOWN:],
    }  # fmt: skip


def _height(points: int, top: int) -> int | None:
    """Where a threshold's line is drawn, in percent from the top; None when it is above the drawing."""
    return round(7 + 86 * (1 - points / top)) if points <= top else None


def _companies(contact_id: int) -> list[dict[str, str]]:
    found = records.many("company", associations.of(contact_id, "company"))
    industry = properties.definitions("company")["industry"]
    rows = []
    for row in found.values():
        p = row.properties
        size = _("{n} people").format(n=f"{p['numberofemployees']:,}") if p.get("numberofemployees") else ""
        about = (properties.option_label(industry, p["industry"]) if p.get("industry") else "", size, p.get("domain", ""))
        rows.append({"name": p.get("name", ""), "about": " · ".join(filter_empty(about))})
    return rows


def _deals(contact_id: int) -> list[dict[str, str]]:
    found = records.many("deal", associations.of(contact_id, "deal"))
    if not found:
        return []
    labels = {(key, s.key): _(s.label) for key, stages in pipelines.stages("deal").items() for s in stages}
    rows = []
    for row in found.values():
        p = row.properties
        closes = _("expected {day}").format(day=day_only(p["closedate"])) if p.get("closedate") else ""
        about = " · ".join(filter_empty((money(p.get("amount")), closes)))
        rows.append({"name": p.get("dealname", ""), "about": about, "badge": labels.get((p.get("pipeline", ""), p.get("dealstage", "")), "")})
    return rows


def filter_empty(texts: tuple[str, ...]) -> list[str]:
    return [t for t in texts if t]


def _lists(contact_id: int) -> list[dict[str, Any]]:
    joined = dict(Membership.objects.filter(contact_id=contact_id).values_list("segment_id", "joined_at"))
    return [{"name": s.name, "at": joined[s.pk]} for s in Segment.objects.filter(pk__in=joined, archived_at=None).order_by("name")]


def _workflows(contact_id: int) -> list[dict[str, Any]]:
    rows = list(Enrollment.objects.filter(contact_id=contact_id).order_by("-enrolled_at")[:10])
    names = dict(Workflow.objects.filter(pk__in={r.workflow_id for r in rows}).values_list("pk", "name"))
    words = {"active": (_("running"), "good"), "finished": (_("finished"), ""), "removed": (_("removed"), ""), "failed": (_("failed"), "bad")}
    return [
        {
            "id": r.workflow_id,
            "name": names[r.workflow_id],
            "at": r.enrolled_at,
            "badge": words.get(r.state, (r.state, ""))[0],
            "tone": words.get(r.state, ("", ""))[1],
        }
        for r in rows
        if r.workflow_id in names
    ]


def _consents(contact_id: int) -> list[dict[str, Any]]:
    """One row a channel: the answer, since when, and whether a bounce or an unsubscription overrules it."""
    given = {c.channel: c for c in Consent.objects.filter(contact_id=contact_id)}
    stopped = dict(Suppression.objects.filter(contact_id=contact_id).values_list("channel", "reason"))
    reasons = {"unsubscribed": _("unsubscribed"), "bounced": _("bounced"), "complained": _("complained")}
    return [
        {"channel": key, "label": label, "given": given.get(key), "stopped": reasons.get(stopped.get(key, ""), stopped.get(key, ""))} for key, label in CHANNELS
    ]
