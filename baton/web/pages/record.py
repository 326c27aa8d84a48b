"""A record's page, one for every object type: properties with their history, timeline, score and stage, what it is linked to."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from baton.accounts import permissions
from baton.accounts.models import User
from baton.crm import activities, contacts, files, properties, records, stages, trail
from baton.platform import clock
from baton.platform.errors import Conflict, Invalid, NotFound

from ..answer import faults, go, targets, toast
from ..page import Page, actor
from ..parts import (
    activity_words,
    beside,
    brief,
    campaign_card,
    cells,
    composer,
    consent_panel,
    enrolled,
    links,
    neighbours,
    progress,
    scorecard,
    timeline,
    values,
    verdict,
    visits,
)
from ..parts.people import colleagues
from ..parts.subject import BASE, Subject, of_record
from . import quote

HISTORY = 30


class RecordPage(Page):
    key = "record"

    @classmethod
    def urls(cls) -> list[URLPattern]:
        return [
            re_path(BASE + r"$", show),
            re_path(BASE + r"news/$", news),
            re_path(BASE + r"consent/$", set_consent),
            re_path(BASE + r"consent/ledger/$", consent_ledger),
            re_path(BASE + r"properties/(?P<name>[a-z0-9_]+)/$", edit),
            re_path(BASE + r"properties/(?P<name>[a-z0-9_]+)/history/$", history),
            re_path(BASE + r"archive/$", archive),
            re_path(BASE + r"restore/$", restore),
        ]


@of_record()
def show(request: HttpRequest, subject: Subject) -> HttpResponseBase:
    """The record; `?kind=` filters the timeline, `?before=` continues it."""
    users = colleagues()
    context = story(request, subject, users)
    if "before" in request.GET and request.headers.get("HX-Request"):
        return render(request, "records/days.html", context)
    if targets(request, "timeline"):
        return render(request, "records/timeline.html", context)
    definitions = {name: d for name, d in properties.definitions(subject.key).items() if not d.hidden}
    names = {u.pk: u.name for u in users}
    panels = links.panels(subject)
    tasks = activities.open_tasks(subject.id, subject.rights)
    by_key = {panel.key: panel for panel in panels}
    score = scorecard.card(subject.id) if subject.is_person else None
    person = subject.id if subject.is_person else beside.primary_contact(by_key) if subject.key in ("deal", "ticket") else None
    context |= {
        "groups": values.groups(definitions, subject.values, users, editable=subject.may_edit, object_type=subject.key),
        "stage": progress.of(subject),
        "score": score,
        "verdict": verdict.of(subject, users),
        "panels": panels,
        "about": beside.about(subject, by_key),
        "tasks": activity_words.shown(tasks, names, subject.rights),
        "next": tasks[0].id if tasks else None,
        "pinned": _pinned(subject, names),
        "composer": composer.blank(subject, "note", users, by_key),
        "files": files.of([subject.id]),
        "neighbours": neighbours.of(request, subject, users),
        "person": person,
        "brief": brief.of(person, score if subject.is_person else scorecard.card(person), names, subject.rights)
        if person and subject.rights.may("contact", "view")
        else None,
        "brief_consents": beside.consents(person) if person else [],
    }
    count, amount = links.open_deals(by_key.get("deal"), subject) if subject.key in ("contact", "company") else (0, 0.0)
    if person and not subject.is_person:
        count, amount = beside.deals_of(person, subject)
    if subject.key == "quote" and not subject.archived:
        context["quote_url"] = quote.url(subject.id)
    context |= {
        "open_deals": count,
        "open_amount": amount,
        "open_tasks": beside.tasks_of(person, subject.rights) if person else 0,
        **beside.next_record(subject),
    }
    context["facts"] = beside.facts(subject, by_key, count, amount)
    if person and not subject.is_person:
        context["brief_name"] = by_key["contact"].rows[0].name
    if permissions.can(request.user, "workflows", "view"):
        context |= {"enrolled": enrolled.card(subject.key, subject.id), "may_enroll": subject.may_edit and permissions.can(request.user, "workflows", "edit")}
    if subject.is_person and permissions.can(request.user, "emails", "view"):
        context["campaigns"] = campaign_card.card(subject.id)
    if subject.is_person:
        context |= {"consents": context["brief_consents"], **_ledger(subject), "addresses": contacts.emails(subject.id)}
        context |= {"where": visits.card(subject.id, subject.values), "lists": beside.lists(subject.id)}
    return TemplateResponse(request, "records/page.html", context)


def story(request: HttpRequest, subject: Subject, users: list[User], kind: str | None = None) -> dict[str, Any]:
    """What the timeline's template needs."""
    kind = request.GET.get("kind", "all") if kind is None else kind
    found = {
        "subject": subject, "story": timeline.story(subject, kind, request.GET.get("before", ""), users),
        "kinds": timeline.choices(subject), "kind": kind, "newest": timeline.newest(subject.id, subject.rights), "opened": clock.now().isoformat(),
    }  # fmt: skip
    return found | {"live_topics": [f"{'contact' if subject.is_person else 'record'}:{subject.id}"]}


def _pinned(subject: Subject, names: dict[int, str]) -> activity_words.Logged | None:
    found = activities.pinned(subject.id, subject.rights)
    return activity_words.shown([found], names, subject.rights, found.id)[found.id] if found else None


@of_record()
def news(request: HttpRequest, subject: Subject) -> HttpResponse:
    """What changed on an open record: score and stage in place; new activity and others' changes are offered, so that nothing moves under the pointer."""
    context = {
        "subject": subject, "stage": progress.of(subject), "score": scorecard.card(subject.id) if subject.is_person else None,
        "verdict": verdict.of(subject, colleagues()),
        "newer": timeline.newer(subject.id, request.GET.get("since", ""), subject.rights),
        "edited": timeline.edited(subject.id, request.GET.get("opened", ""), actor(request)),
    }  # fmt: skip
    return render(request, "records/news.html", context)


# Properties -----------------------------------------------------------------


@of_record()
def edit(request: HttpRequest, subject: Subject, name: str) -> HttpResponse:
    """One property: GET the editor (or the value, with `cancel`), POST a new value; the toast takes it back."""
    definition = properties.definitions(subject.key).get(name)
    if definition is None:
        raise NotFound(_("There is no such property."))
    users = colleagues()
    if request.method != "POST":
        return _field(request, subject, name, users, editor="cancel" not in request.GET and subject.may_edit and not definition.read_only)
    subject.rights.require(subject.key, "edit", [subject.row.owner_id])
    given: Any = request.POST.getlist("value") if definition.type == "multi_choice" and "undo" not in request.POST else request.POST.get("value", "")
    old = subject.values.get(name)
    try:
        free = stages.taking_back(subject.id, given, actor=actor(request)) if name == stages.PROPERTY and "undo" in request.POST else ""
        records.update(subject.key, subject.id, {name: given}, actor=actor(request), source="undo" if free else "page", freedom=free)
    except Invalid as error:
        return _field(request, subject, name, users, editor=True, fault=faults(error).get(name) or _first(error), typed=given)
    except Conflict:
        said = _("Another contact has this e-mail address.") if name == "email" else _("Another record has this value.")
        return _field(request, subject, name, users, editor=True, fault=said, typed=given)
    subject = Subject(subject.kind, records.get(subject.key, subject.id), subject.me, subject.rights)
    response = _field(request, subject, name, users, editor=False)
    if subject.values.get(name) != old:
        undo = {"url": f"{subject.url}properties/{name}/", "target": f"#p-{name}", "values": {"value": cells.sent(old), "undo": "1"}}
        toast(response, _("{name}: {label} saved").format(name=subject.name, label=properties.label(definition)), undo)
    return response


def _first(error: Invalid) -> str:
    return error.problems[0].message


def _field(request: HttpRequest, subject: Subject, name: str, users: list[User], *, editor: bool, fault: str = "", typed: Any = None) -> HttpResponse:
    definition = properties.definitions(subject.key)[name]
    context: dict[str, Any] = {"subject": subject, "fault": fault}
    if editor:
        template = "records/value_edit.html"
        context["cell"] = cells.editor(subject.kind, definition, subject.row, users, typed=typed)
    else:
        template = "records/value.html"
        context["value"] = values.value(definition, subject.values.get(name), users, editable=subject.may_edit, object_type=subject.key)
        if name in ("lifecyclestage", subject.kind.stage_property):
            context["stage"] = progress.of(subject)
            context["moved"] = True
        if name == "email" and subject.is_person and request.method == "POST":
            context["others"] = contacts.emails(subject.id)
    return render(request, template, context, status=422 if fault else 200)


@dataclass(frozen=True)
class Change:
    """One line of a property's history."""

    at: Any
    old: str
    new: str
    by: str


@of_record()
def history(request: HttpRequest, subject: Subject, name: str) -> HttpResponse:
    """The last values of one property, with who changed it and when."""
    definition = properties.definitions(subject.key).get(name)
    if definition is None:
        raise NotFound(_("There is no such property."))
    users = colleagues()
    names = {u.pk: u.name for u in User.objects.all()}
    entries = trail.of([subject.row], [name])[subject.id].get(name, [])[: HISTORY + 1]
    said = [values.text(definition, e.value, users, object_type=subject.key) for e in entries]
    changes = [Change(e.at, said[i + 1] if i + 1 < len(said) else "", said[i], timeline.who(e.actor, names, e.source)) for i, e in enumerate(entries[:HISTORY])]
    return render(request, "records/history.html", {"label": properties.label(definition), "changes": changes})


# Putting aside, and consent -----------------------------------------------------


@require_POST
@of_record("delete")
def archive(request: HttpRequest, subject: Subject) -> HttpResponse:
    """Put the record aside; its page stays and says so, with the way back."""
    records.archive(subject.key, subject.id, actor=actor(request))
    return go(subject.url)


@require_POST
@of_record("delete")
def restore(request: HttpRequest, subject: Subject) -> HttpResponse:
    """Take it back. 409 when somebody else has its e-mail address by now."""
    records.restore(subject.key, subject.id, actor=actor(request))
    return go(subject.url)


@require_POST
@of_record("edit")
def set_consent(request: HttpRequest, subject: Subject) -> HttpResponse:
    """Record by hand that the person agreed to a channel, or refused."""
    if not subject.is_person:
        raise NotFound(_("There is no such record."))
    fault = ""
    try:
        consent_panel.record(subject.id, request.POST.dict(), actor(request))
    except Invalid as error:
        fault = error.problems[0].message
    context = {"subject": subject, "consents": beside.consents(subject.id), **_ledger(subject), "fault": fault}
    response = render(request, "records/consents.html", context, status=422 if fault else 200)
    return response if fault else toast(response, _("Consent recorded"))


@require_GET
@of_record("view")
def consent_ledger(request: HttpRequest, subject: Subject) -> HttpResponse:
    """Every answer the person gave, with its proof."""
    if not subject.is_person:
        raise NotFound(_("There is no such record."))
    names = dict(User.objects.values_list("pk", "name"))
    return render(request, "records/consent_ledger.html", {"entries": consent_panel.ledger(subject.id, names)})


def _ledger(subject: Subject) -> dict[str, Any]:
    return {"news_kinds": consent_panel.kinds(subject.id), "ledger_url": f"{subject.url}consent/ledger/"}
